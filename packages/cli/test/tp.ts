import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nodeRuntime } from '@tp/runtime-node'
import { afterAll, beforeAll } from 'vitest'
import { run } from '../src/program/run.ts'

/** The built command. */
export const bin: string = fileURLToPath(new URL('../bin/tp.js', import.meta.url))

export interface Ended {
  readonly code: number | null
  /** That ended the process, where none of its own code did. */
  readonly signal?: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

interface TpOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** Called at each piece of stderr with all of it so far; may send one signal, so those after the first do nothing. */
  readonly onError?: (text: string, kill: (signal: NodeJS.Signals) => void) => void
  /** Program that runs node, as `['sh', '-c', …]`; default: none. */
  readonly through?: readonly string[]
}

/** Runs the built command as a process of its own. */
export function tp(args: readonly string[], { cwd, env, onError, through = [] }: TpOptions = {}): Promise<Ended> {
  const [program = '', ...rest] = [...through, process.execPath, bin, ...args]
  return new Promise((resolve, reject) => {
    const child = spawn(program, rest, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
    let [stdout, stderr] = ['', '']
    // A second one, at the time when the process already ends, would end it without its exit code.
    let signalled = false
    const kill = (signal: NodeJS.Signals): void => {
      if (!signalled) signalled = child.kill(signal)
    }
    child.stdout.on('data', (data: Buffer) => {
      stdout += data.toString()
    })
    child.stderr.on('data', (data: Buffer) => {
      stderr += data.toString()
      onError?.(stderr, kill)
    })
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
}

/** The words of a command line, divided at blanks; a value is one word or a list of words, whatever it contains. */
export function argv(texts: TemplateStringsArray, ...values: readonly (string | readonly string[])[]): string[] {
  const words: string[] = []
  let isOpen = false
  const join = (text: string): void => void (isOpen ? words.push(`${words.pop()}${text}`) : words.push(text))
  for (const [i, text] of texts.entries()) {
    for (const [j, part] of text.split(/\s+/).entries()) {
      if (j > 0) isOpen = false
      if (part !== '') join(part)
      if (part !== '') isOpen = true
    }
    const value = values[i]
    if (typeof value === 'string') join(value)
    else words.push(...(value ?? []))
    isOpen = typeof value === 'string'
  }
  return words
}

/** Tests run next to others: a session of theirs takes one thread. */
const runtime: ReturnType<typeof nodeRuntime> = {
  ...nodeRuntime(),
  load: (model, options) => nodeRuntime().load(model, { threads: 1, ...options }),
}

/** The same without a process of its own, where only what it says is of interest. */
export async function tpHere(
  args: readonly string[],
  { inThisProcess = true, ...terminal }: { columns?: number; styled?: boolean; inThisProcess?: boolean } = {},
): Promise<Ended> {
  let [stdout, stderr] = ['', '']
  const printError = (text: string): void => {
    stderr += `${text}\n`
  }
  const code = await run(args, '0.0.0', {
    signal: new AbortController().signal,
    print: (text) => {
      stdout += `${text}\n`
    },
    printError,
    ...terminal,
    timingMs: 40,
    verifying: { budget: 300, ...(inThisProcess && { runtime }) },
    timedExamples: 2,
    progress: { stage: printError, step() {}, note: printError, end() {} },
  })
  return { code, stdout, stderr }
}

/** A folder for the tests of one file; gone afterwards. */
export function temporaryFolder(): {
  readonly path: string
  at(...parts: readonly string[]): string
  files(): string[]
} {
  let path = ''
  beforeAll(() => {
    path = mkdtempSync(join(tmpdir(), 'tp-cli-'))
  })
  afterAll(() => rmSync(path, { recursive: true, force: true }))
  return {
    get path() {
      return path
    },
    at: (...parts) => join(path, ...parts),
    files: () => readdirSync(path, { recursive: true }).map(String).sort(),
  }
}

/** One of the small exported encoders of the compiler's tests. */
export function fixture(name: string): string {
  return fileURLToPath(new URL(`../../../tools/exported-encoders/fixtures/${name}/model.onnx`, import.meta.url))
}

export function testModel(name: string): string {
  return fileURLToPath(new URL(`models/${name}.onnx`, import.meta.url))
}
