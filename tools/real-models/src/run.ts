import { spawn } from 'node:child_process'
import { TpError } from '@tp/core'

/** Runs a program with its output on stderr. @throws TpError TP_MODELS if it fails */
export async function run(step: string, program: string, args: readonly string[]): Promise<void> {
  const child = spawn(program, args, { stdio: ['ignore', 2, 2] })
  const ended = await new Promise<string | number | null>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('close', (code, signal) => resolve(code ?? signal))
  })
  if (ended === 0) return
  throw new TpError('TP_MODELS', 'models', `${step} failed (${ended}; see above)`)
}
