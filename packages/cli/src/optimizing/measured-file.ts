import { TpError } from '@tp/core'
import { nothingToResume, readCheckpointFile, replaceFile } from '@tp/data/files'
import type { Measurements } from '@tp/optimize'

/** Measurements of an interrupted tuning, next to the plan that it was to write. */
export function measuredPath(out: string): string {
  return `${out}.measured`
}

/** Values that a method has learned in the search: next to the plan, so that no file of values with the plan's own name is replaced. */
export function valuesPath(out: string): string {
  return `${out}.safetensors`
}

interface MeasuredContent {
  /** Model, data and versions: measurements of others are of no use. */
  readonly about: string
  readonly known: Measurements
}

export async function writeMeasured(path: string, content: MeasuredContent): Promise<void> {
  await replaceFile(path, new TextEncoder().encode(JSON.stringify(content)))
}

/** @throws TpError TP_FILE_NOT_FOUND, TP_RESUME */
export async function readMeasured(path: string, about: string): Promise<Measurements> {
  const bytes = await readCheckpointFile(path)
  if (bytes === undefined) throw nothingToResume(path)
  const content = parsed(new TextDecoder().decode(bytes))
  if (content?.about === about) return content.known
  const seen = content === undefined ? 'holds no measurements' : 'is of another model, other data, or another version'
  throw new TpError('TP_RESUME', path, `it ${seen}; omit --resume to start over`)
}

function parsed(text: string): MeasuredContent | undefined {
  try {
    const content = JSON.parse(text)
    return typeof content?.about === 'string' && typeof content.known === 'object' ? content : undefined
  } catch {
    return undefined
  }
}
