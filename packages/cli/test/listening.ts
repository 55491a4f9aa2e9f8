import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** The command line as a program. */
export const serveBin: string = fileURLToPath(new URL('../bin/tp.js', import.meta.url))

/** The line that a server prints when it listens. */
export async function listening(child: ChildProcess): Promise<{ url: string; pid: number; models: object[] }> {
  let text = ''
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    text += line
    if (line === '}') break
  }
  return JSON.parse(text)
}
