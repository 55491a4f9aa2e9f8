import { writeSync } from 'node:fs'
import { TpError } from '@tp/core'
import { EXIT } from '../commands/exit-code.ts'
import { loadedPlugins } from '../plugins/import-plugin.ts'
import { printable } from '../printing/printable.ts'
import { knownError } from './known-error.ts'
import { asksForJson, describe, errorDocument } from './run.ts'

/** Watches over how the process ends. */
export interface Ending {
  /** The command has ended, and has said how. */
  done(code: number): void
}

/**
 * Lets no command end without a word and an exit code of its own, whatever ends the process: an error that nothing catches, a call of
 * `process.exit` in a plugin, a promise that never settles, or an output that cannot be written.
 */
export function watchEnding(args: readonly string[]): Ending {
  let code: number | undefined
  const fail = (thrown: unknown, withDocument = true): void => {
    // Later failures are consequences of the first.
    if ((code ?? EXIT.done) !== EXIT.done) return
    code = EXIT.failed
    const error = knownError(thrown)
    say(2, describe(error, args.includes('--verbose')))
    if (withDocument && asksForJson(args)) say(1, errorDocument(error))
  }
  process.on('uncaughtException', (error) => {
    fail(error)
    process.exit()
  })
  process.on('exit', () => {
    if (code === undefined) fail(endedEarly())
    process.exitCode = code
  })
  process.stdout.on('error', (cause: NodeJS.ErrnoException) => {
    // `tp … | head` closes the pipe; the rest of the output is not wanted.
    if (cause.code === 'EPIPE') return
    const reason = cause.code === 'ENOSPC' ? 'there is no room for it' : cause.message
    fail(new TpError('TP_WRITE', 'tp', `the output was not written: ${reason}`, { cause }), false)
  })
  // There is nowhere else to say it.
  process.stderr.on('error', () => undefined)
  return {
    done(ended) {
      code ??= ended
      // Work that a plugin has begun may never end.
      if (loadedPlugins().length > 0) process.stdout.write('', () => process.exit())
    },
  }
}

function endedEarly(): Error {
  const plugins = loadedPlugins()
  const what = 'the process ended before the command was done'
  if (plugins.length === 0) return new Error(what)
  const cause = 'it calls process.exit, or awaits what never comes'
  return new TpError('TP_PLUGIN', plugins.join(', '), `${what}; ${cause}`)
}

function say(to: 1 | 2, text: string): void {
  writeAtOnce(to, `${printable(text)}\n`)
}

/** Writes without a stream: nothing that waits is written any more, nor by a stream that an interruption has stopped within a write. */
export function writeAtOnce(to: 1 | 2, text: string): void {
  try {
    writeSync(to, text)
  } catch {
    // It cannot be written.
  }
}
