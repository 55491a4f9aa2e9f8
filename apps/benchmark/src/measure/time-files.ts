import type { NamedTensors, Runtime, Session } from '@tp/core/runtime'
import { type Comparison, type ComparisonOptions, comparePaired } from '@tp/eval/metrics'

/** Times models in turns, each on one thread of this process; the first is what speed-ups refer to. */
export async function timeFiles(
  runtime: Runtime,
  files: Readonly<Record<string, Uint8Array>>,
  inputs: readonly NamedTensors[],
  options: ComparisonOptions,
): Promise<Comparison> {
  const sessions: Record<string, Session> = {}
  try {
    for (const [name, file] of Object.entries(files)) sessions[name] = await runtime.load(file, { threads: 1 })
    return await comparePaired(sessions, inputs, options)
  } finally {
    for (const session of Object.values(sessions)) await session.dispose()
  }
}
