import { isTpError, TpError } from '@tp/core'
import { asError } from '@tp/core/host'
import { loadedPlugins, pluginIn } from '../plugins/import-plugin.ts'

/** A thrown value as an error with a code if its cause is known; any other is a bug in tp. */
export function knownError(thrown: unknown): Error {
  const cause = asError(thrown)
  if (isTpError(cause)) return cause
  // Nothing of ours throws what is not an error, which has no stack either.
  const plugin = cause === thrown ? pluginIn(cause) : loadedPlugins().at(-1)
  if (plugin !== undefined) return new TpError('TP_PLUGIN', plugin, `it throws ${cause.message}`, { cause })
  const { code } = cause as NodeJS.ErrnoException
  if (code === 'EMFILE' || code === 'ENFILE') {
    const advice = 'allow more (ulimit -n), or close other programs'
    return new TpError('TP_OPEN_FILES', 'tp', `too many files are open: ${cause.message}; ${advice}`, { cause })
  }
  if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') {
    const advice = 'install @tp/cli again, and allow more open files (ulimit -n) if it is there'
    return new TpError('TP_INSTALL', 'tp', `a part of the program cannot be loaded: ${cause.message}; ${advice}`, {
      cause,
    })
  }
  const file = damagedFile(cause)
  if (file !== undefined) {
    const advice = 'install the package that it is of again'
    return new TpError('TP_INSTALL', 'tp', `${file} cannot be loaded: ${cause.message}; ${advice}`, { cause })
  }
  return cause
}

/** The file of a package that is damaged: Node puts its place in front of the error, which no parser at run time does. */
function damagedFile(error: Error): string | undefined {
  if ((error as NodeJS.ErrnoException).code === 'ERR_INVALID_PACKAGE_CONFIG') return 'a package.json'
  if (!(error instanceof SyntaxError)) return undefined
  return /^((?:file:|\/|[A-Z]:\\).*):\d+\r?\n/.exec(error.stack ?? '')?.[1]
}
