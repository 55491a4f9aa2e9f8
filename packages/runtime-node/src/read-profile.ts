import { readFile } from 'node:fs/promises'
import { TpError } from '@tp/core'

/** The time of one type of operator over all runs of a profile. */
export interface OperatorTotal {
  readonly op: string
  readonly ms: number
  readonly count: number
}

/**
 * Totals by operator type of a profile (`SessionOptions.profile`), the most expensive first.
 * @throws TpError TP_FILE_NOT_FOUND, TP_PROFILE
 */
export async function readProfile(path: string): Promise<readonly OperatorTotal[]> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    throw new TpError('TP_FILE_NOT_FOUND', 'runtime-node', `there is no file that can be read at ${path}`, { cause })
  }
  const totals = new Map<string, { op: string; ms: number; count: number }>()
  for (const { cat, name, dur, args } of parse(path, text)) {
    const op = args?.op_name
    if (cat !== 'Node' || typeof op !== 'string' || typeof dur !== 'number' || !name?.endsWith('_kernel_time')) continue
    const total = totals.get(op) ?? { op, ms: 0, count: 0 }
    total.ms += dur / 1000
    total.count += 1
    totals.set(op, total)
  }
  return [...totals.values()].sort((a, b) => b.ms - a.ms)
}

/** The fields used of an event in Chrome's trace format; `dur` is in µs. */
interface TraceEvent {
  readonly cat?: string
  readonly name?: string
  readonly dur?: number
  readonly args?: { readonly op_name?: unknown }
}

function parse(path: string, text: string): readonly TraceEvent[] {
  try {
    const events: unknown = JSON.parse(text)
    if (Array.isArray(events)) return events
  } catch {
    // Said below: a file that is not JSON and JSON that is not a list of events need the same answer.
  }
  throw new TpError('TP_PROFILE', 'runtime-node', `${path} is not a profile: a JSON list of trace events is expected`)
}
