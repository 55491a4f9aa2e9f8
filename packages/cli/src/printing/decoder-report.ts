import { megabytes } from './numbers.ts'

/** The decoder of an encoder of speech, after pruning. */
export interface DecoderReport {
  readonly decoder: string
  /** How many states were built in; absent where it reads any number as it is, and nothing was written. */
  readonly builtIn?: number
  readonly out?: string
  readonly bytes?: number
  readonly dataFiles?: readonly string[]
  /** The largest difference of what it returned, where that was compared. */
  readonly verification?: { readonly difference: number }
}

/** Lines about a decoder. */
export function decoderText({ decoder, builtIn, out, bytes, dataFiles, verification }: DecoderReport): string[] {
  if (builtIn === undefined || out === undefined || bytes === undefined)
    return [`decoder  ${decoder} reads any number of states; it is left as it is`]
  return [
    `decoder  ${out}  ${megabytes(bytes)}; ${builtIn} states were built in, and it reads any number now`,
    ...(dataFiles ?? []).map((path) => `weights copied to ${path}`),
    ...(verification === undefined
      ? []
      : [
          `verified  with ${builtIn} states, and with fewer next to the old file with each several times: differs by ${verification.difference.toExponential(1)}`,
        ]),
  ]
}
