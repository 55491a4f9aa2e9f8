import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { TpError } from '@tp/core'
import { type AbortSignalLike, receiveError, throwIfAborted, type WorkerAnswer } from '@tp/core/runtime'
import type { DecoderForm } from '@tp/data'

export interface PeakMemoryRequest {
  /** The decoder's file. */
  readonly path: string
  /** As `--runtime` names it; default node. */
  readonly runtime: string | undefined
  readonly decoder: DecoderForm
  /** A file that prunes the caches after the prompt. */
  readonly press: string | undefined
  /** The prompt. */
  readonly tokens: readonly number[]
}

/** From `src` and from `dist` it is the one that was built. */
const child = fileURLToPath(new URL('../../dist/decoding/peak-memory-child.js', import.meta.url))

/**
 * Bytes that a process of its own has held at most, which loads a decoder, reads a prompt and goes on by a token. Memory that is
 * taken while a file is loaded is among it: that of a short prompt is less.
 * @throws TpError TP_RUN if the process ends before it answers, TP_ABORTED, and what loading and running throw
 */
export async function peakMemory(request: PeakMemoryRequest, signal: AbortSignalLike): Promise<number> {
  throwIfAborted(signal, 'tp')
  // No flags of this process: they may not suit the child (a debugger's port).
  const process = fork(child, [], { serialization: 'advanced', stdio: 'ignore', execArgv: [] })
  const abort = (): void => void process.kill('SIGKILL')
  signal.addEventListener('abort', abort)
  try {
    const answer = await new Promise<WorkerAnswer>((resolve, reject) => {
      const ended = (cause?: Error): void => {
        const seen = 'the process whose memory is measured ended before it answered'
        reject(new TpError('TP_RUN', request.path, `${seen}; omit --memory`, { cause }))
      }
      process
        .once('message', resolve)
        .once('error', ended)
        .once('exit', () => ended())
      process.send(request, (error) => error && ended(error))
    })
    if (!answer.ok) throw receiveError(answer.error)
    return answer.value as number
  } catch (error) {
    throwIfAborted(signal, 'tp')
    throw error
  } finally {
    signal.removeEventListener('abort', abort)
    process.kill('SIGKILL')
  }
}
