import { extname } from 'node:path'
import { isTpError } from '@tp/core'
import type { WaveFile } from 'wavefile'
import { readBytes } from '../read-bytes.ts'
import type { AudioDataset, Sound } from './dataset.ts'
import { labelFiles } from './labeled-files.ts'
import type { LabeledOptions } from './labels.ts'
import { dataError } from './table/data-error.ts'
import { UNKNOWN_SIZE, withoutOtherChunks } from './wav-chunks.ts'

export function isWavFile(path: string): boolean {
  return extname(path).toLowerCase() === '.wav'
}

/** WAV files whose label is the part of their name before `__`, or the name of their sub-folder. */
export function wavFolder(folder: string, files: readonly string[], options: LabeledOptions = {}): AudioDataset {
  const examples = labelFiles(folder, files, options).map(({ path, label }) => ({
    label,
    source: path,
    read: () => readWav(path),
    bytes: () => soundFile(path),
  }))
  return { modality: 'audio', source: folder, examples }
}

/** Half an hour at 16 kHz, one channel of 16 bits. */
const MOST_BYTES = 64 * 2 ** 20

/** Converts a sample of each format to −1…1, by format tag and bits. */
const SCALES: Readonly<Record<string, (sample: number) => number>> = {
  'PCM 8': (sample) => (sample - 128) / 128,
  'PCM 16': (sample) => sample / 2 ** 15,
  'PCM 24': (sample) => sample / 2 ** 23,
  'PCM 32': (sample) => sample / 2 ** 31,
  'float 32': (sample) => sample,
  'float 64': (sample) => sample,
}

/** Format tags of the WAV header. */
const [PCM, FLOAT, A_LAW, MU_LAW] = [1, 3, 6, 7]

interface Format {
  readonly audioFormat: number
  readonly numChannels: number
  readonly sampleRate: number
  readonly blockAlign: number
  readonly bitsPerSample: number
}

/**
 * Reads a WAV file: PCM of 8, 16, 24 or 32 bits, float of 32 or 64, A-law or µ-law; several channels are averaged.
 * @throws TpError TP_DATA for another format, and for a file that contradicts its header
 */
export async function readWav(path: string): Promise<Sound> {
  const bytes = await soundFile(path)
  const { default: wavefile } = await import('wavefile')
  let file: WaveFile
  try {
    file = new wavefile.WaveFile(withoutOtherChunks(bytes))
  } catch (cause) {
    throw dataError(path, 'cannot be read as a WAV file', cause)
  }
  const { chunkSize, samples: held } = file.data as { chunkSize: number; samples: Uint8Array }
  if (chunkSize !== held.length && chunkSize !== UNKNOWN_SIZE) {
    throw dataError(path, `says ${chunkSize} bytes of samples but holds ${held.length}; is it cut off?`)
  }
  if (held.length === 0) throw dataError(path, 'holds no samples')
  const { sampleRate } = file.fmt as Format
  const scale = decoded(path, file)
  try {
    const { numChannels } = file.fmt as Format
    const raw = file.getSamples(false, Float64Array) as unknown as Float64Array | Float64Array[]
    const channels = numChannels === 1 ? [raw as Float64Array] : (raw as Float64Array[])
    return { sampleRate, samples: average(path, channels, scale) }
  } catch (cause) {
    if (isTpError(cause)) throw cause
    throw dataError(path, 'cannot be read as a WAV file', cause)
  }
}

function soundFile(path: string): Promise<Uint8Array> {
  return readBytes(path, { code: 'TP_DATA', mostBytes: MOST_BYTES })
}

/** Decodes compressed samples to 16 bits. @returns samples in −1…1 */
function decoded(path: string, file: WaveFile): (sample: number) => number {
  const { audioFormat: format, numChannels, bitsPerSample: bits, blockAlign, sampleRate } = file.fmt as Format
  const isCompressed = format === A_LAW || format === MU_LAW
  const kind = format === FLOAT ? 'float' : format === PCM || isCompressed ? 'PCM' : `format ${format}`
  const scale = isCompressed ? SCALES['PCM 16'] : SCALES[`${kind} ${bits}`]
  const isWhole = blockAlign === (numChannels * bits) / 8 && (!isCompressed || bits === 8)
  if (scale === undefined || !isWhole || sampleRate === 0 || numChannels < 1 || numChannels > MOST_CHANNELS) {
    const seen = `${kind} of ${bits} bits, ${numChannels} channels in ${blockAlign} bytes, ${sampleRate} samples a second`
    throw dataError(path, `its header says ${seen}, which cannot be read; PCM, float, A-law and µ-law can`)
  }
  try {
    if (format === A_LAW) file.fromALaw()
    else if (format === MU_LAW) file.fromMuLaw()
  } catch (cause) {
    throw dataError(path, 'cannot be read as a WAV file', cause)
  }
  return scale
}

const MOST_CHANNELS = 64

function average(path: string, channels: readonly Float64Array[], scale: (sample: number) => number): Float32Array {
  const samples = new Float32Array(channels[0]?.length ?? 0)
  for (let i = 0; i < samples.length; i++) {
    let sum = 0
    for (const channel of channels) sum += scale(channel[i] as number)
    samples[i] = sum / channels.length
  }
  if (samples.some((sample) => !Number.isFinite(sample))) throw dataError(path, 'has a sample that is not a number')
  return samples
}
