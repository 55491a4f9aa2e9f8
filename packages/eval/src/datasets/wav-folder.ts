import { readFile } from 'node:fs/promises'
import { extname } from 'node:path'
import { TpError } from '@tp/core'
import type { AudioDataset, Sound } from './dataset.ts'
import { labelFiles } from './labelled-files.ts'
import type { LabelledOptions } from './labels.ts'

export function isWavFile(path: string): boolean {
  return extname(path).toLowerCase() === '.wav'
}

/** WAV files whose label is what stands before `__` in their name, or the name of their sub-folder. */
export function wavFolder(folder: string, files: readonly string[], options: LabelledOptions = {}): AudioDataset {
  const examples = labelFiles(folder, files, options).map(({ path, label }) => ({
    label,
    source: path,
    read: () => readWav(path),
  }))
  return { modality: 'audio', source: folder, examples }
}

/** Reads a WAV file of any sample format; several channels are averaged. */
export async function readWav(path: string): Promise<Sound> {
  const {
    default: { WaveFile },
  } = await import('wavefile')
  const bytes = await readFile(path)
  try {
    const file = new WaveFile(bytes)
    // after this every format is float32 in −1…1
    file.toBitDepth('32f')
    const { numChannels, sampleRate } = file.fmt as { numChannels: number; sampleRate: number }
    const channels = numChannels === 1 ? [file.getSamples()] : (file.getSamples() as unknown as Float64Array[])
    return { sampleRate, samples: average(channels as ArrayLike<number>[]) }
  } catch (cause) {
    throw new TpError('TP_DATA', 'eval', `${path}: cannot be read as a WAV file`, { cause })
  }
}

function average(channels: readonly ArrayLike<number>[]): Float32Array {
  const samples = new Float32Array(channels[0]?.length ?? 0)
  for (let i = 0; i < samples.length; i++) {
    let sum = 0
    for (const channel of channels) sum += channel[i] as number
    samples[i] = sum / channels.length
  }
  return samples
}
