import { spawn } from 'node:child_process'
import { TpError } from '@tp/core'

/**
 * Runs a program with its output on stderr, and waits for its end in any case.
 * @param env variables that it gets in addition
 * @throws TpError TP_MODELS if it fails or is interrupted
 */
export async function run(
  step: string,
  program: string,
  args: readonly string[],
  signal: AbortSignal,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const child = spawn(program, args, {
    stdio: ['ignore', 2, 2],
    signal,
    killSignal: 'SIGINT',
    env: { ...process.env, ...env },
  })
  const ended = await new Promise<string | number | null>((resolve) => {
    child.once('error', (error) => {
      if (child.pid === undefined) resolve(error.message)
    })
    child.once('close', (code, killedBy) => resolve(code ?? killedBy))
  })
  if (ended === 0) return
  throw new TpError(
    'TP_MODELS',
    'models',
    `${step} ${signal.aborted ? 'was interrupted' : `failed (${ended}; see above)`}`,
  )
}
