import { TpError } from '@tp/core'
import type { Runtime } from '@tp/core/runtime'
import type { EmbeddingData } from '@tp/data'
import { nothingToResume, readCheckpointFile, replaceFile } from '@tp/data/files'
import { fingerprint, type ModelInputs } from '@tp/data/inputs'
import type { Measurements, OptimizeOptions } from '../options.ts'

/** The subject of a search: measurements of another one are of no use. */
export interface SearchSubject {
  /** A hash of the model's file. */
  readonly source: string
  readonly examples: ModelInputs
  /** Judgments of texts to embed. */
  readonly judged?: EmbeddingData['judged'] | undefined
  readonly device: Runtime
  /** Options that measurements depend on, as JSON, such as the encoder and protected tokens. */
  readonly settings?: object
  /** The file of trained values that methods have, if they have some. */
  readonly values?: Uint8Array | undefined
}

/** The part of the options of `optimize` that keeps and resumes measurements. */
export type KeptMeasurements = Pick<OptimizeOptions, 'known' | 'onMeasured'>

/**
 * Keeps the measurements of a search in a file while it runs, and reads those of an interrupted one.
 * @param resume whether the file has to be there, and to be of the same subject
 * @throws TpError TP_FILE_NOT_FOUND, TP_RESUME
 * @example
 * const kept = await keepMeasurements('plan.json.measured', { source, examples: inputs, device: runtime }, existsSync('plan.json.measured'))
 * const plan = await optimize({ model, data: { task: 'classification', inputs }, methods, runtime, ...kept })
 */
export async function keepMeasurements(
  path: string,
  { source, examples, judged, device, settings = {}, values }: SearchSubject,
  resume = false,
): Promise<KeptMeasurements> {
  const { version } = await device.diagnose()
  const trained = values === undefined ? '' : ` ${await hashOf(values)}`
  const about = `${source} ${await fingerprint(examples, judged)} ${version}${trained} ${JSON.stringify(settings)}`
  return {
    onMeasured: (known) => replaceFile(path, new TextEncoder().encode(JSON.stringify({ about, known }))),
    ...(resume && { known: await readMeasurements(path, about) }),
  }
}

async function hashOf(bytes: Uint8Array): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', Uint8Array.from(bytes)))
  return Array.from(hash.subarray(0, 8), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

async function readMeasurements(path: string, about: string): Promise<Measurements> {
  const bytes = await readCheckpointFile(path)
  if (bytes === undefined) throw nothingToResume(path)
  const content = parsed(new TextDecoder().decode(bytes))
  if (content?.about === about) return content.known
  const seen = content === undefined ? 'holds no measurements' : 'is of another model, other data, or another version'
  throw new TpError('TP_RESUME', path, `it ${seen}; omit --resume to start over`)
}

interface MeasuredContent {
  readonly about: string
  readonly known: Measurements
}

function parsed(text: string): MeasuredContent | undefined {
  try {
    const content = JSON.parse(text)
    return typeof content?.about === 'string' && typeof content.known === 'object' ? content : undefined
  } catch {
    return undefined
  }
}
