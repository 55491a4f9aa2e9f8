import { appendFile } from 'node:fs/promises'
import { writeError } from '@tp/data/files'

/** JSON lines, in order. */
export interface Log {
  add(line: object): void
  /** @throws TpError TP_WRITE if a line could not be written */
  end(): Promise<void>
}

export function openLog(path: string): Log {
  let written = Promise.resolve()
  return {
    add(line) {
      written = written.then(() => appendFile(path, `${JSON.stringify(line)}\n`))
      // Reported at the end, since nothing awaits this promise.
      written.catch(() => {})
    },
    async end() {
      await written.catch((cause: unknown) => {
        throw writeError(path, cause)
      })
    },
  }
}
