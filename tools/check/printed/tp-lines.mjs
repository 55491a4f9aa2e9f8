// Runs command lines of tp one after the other, without a process for each: [{ cwd, args }, …] as JSON in, [{ code, stdout, stderr }, …] out.
import { readFileSync, writeFileSync } from 'node:fs'
import { root } from '../workspace.mjs'

const load = (/** @type {string} */ name) => import(`${root}/packages/cli/dist/${name}.js`)
const { run } = await load('program/run')
const { readArguments } = await load('arguments/arguments')
const { commands } = await load('commands/index')

const [, , requested = '', answered = ''] = process.argv
/** @type {{ lines: { cwd: string, args: string[] }[], readsOnly: boolean }} */
const { lines, readsOnly } = JSON.parse(readFileSync(requested, 'utf8'))

const outcomes = []
for (const { cwd, args } of lines) {
  process.chdir(cwd)
  outcomes.push(await outcomeOf(args))
}
writeFileSync(answered, JSON.stringify(outcomes))

/** @param {readonly string[]} args */
async function outcomeOf(args) {
  const [name = '', ...rest] = args
  // These read no file: they begin to work at once, and do not end.
  if (readsOnly && Object.hasOwn(commands, name) && (name === 'worker' || rest.includes('--queue'))) {
    const entry = commands[name]
    try {
      readArguments(name, entry.operands, (await entry.load()).options, rest)
      return { code: 0, stdout: '', stderr: '' }
    } catch (error) {
      return { code: 2, stdout: '', stderr: String(error) }
    }
  }
  let [stdout, stderr] = ['', '']
  const printError = (/** @type {string} */ text) => {
    stderr += `${text}\n`
  }
  const code = await run(args, '0.0.0', {
    signal: new AbortController().signal,
    print: (/** @type {string} */ text) => {
      stdout += `${text}\n`
    },
    printError,
    timingMs: 40,
    timedExamples: 2,
    progress: { stage: printError, step() {}, note: printError, end() {} },
  })
  return { code, stdout, stderr }
}
