import type { Runtime } from '@tp/core/runtime'
import type { FileClaims } from '@tp/data/files'
import type { VerifyFileOptions } from '@tp/plans/files'
import type { ProgressDisplay } from '../printing/progress.ts'

/** The interface between a command and the world outside. */
export interface Context {
  /** The files that this run reads and writes. */
  readonly files: FileClaims
  /** When the command began, by `performance.now()`. */
  readonly began: number
  /** Ends with SIGINT or SIGTERM. */
  readonly signal: AbortSignal
  /** Data, to stdout; a line break is added. */
  print(text: string): void
  /** Whether a JSON document is printed. */
  readonly json?: boolean
  /** Whether names of nodes are of interest. */
  readonly verbose?: boolean
  /** Whether stdout is a terminal that shows bold. */
  readonly styled?: boolean
  /** To stderr. */
  readonly progress: ProgressDisplay
  /** The runtime of models; default: onnxruntime-node. */
  readonly runtime?: Runtime
  /** Milliseconds in which models are timed against each other; default: 20,000 of `tp eval`, 4,000 a shape of `tp bench`. */
  readonly timingMs?: number
  /** How what is written is verified; default: in a process of its own, for a quarter of the command's time, but at least 3 seconds. */
  readonly verifying?: Pick<VerifyFileOptions, 'budget' | 'runtime'>
  /** Examples that models are timed on; default: 16 texts or images, 8 recordings. */
  readonly timedExamples?: number
}
