import { cpSync, linkSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { argumentsOfTp } from './programs.mjs'
import { callsOf } from './shell.mjs'
import { ofHelp, ofMessages, ofPages } from './sources.mjs'
import { kindOf, putStandIns } from './stand-ins.mjs'
import { planFor, runLines } from './tp-commands.mjs'

/** @typedef {import('./markdown.mjs').Printed} Printed */

/** On a busy machine: by itself each takes seconds. */
const timeout = 240_000

const scratch = mkdtempSync(join(tmpdir(), 'tp-printed-'))
beforeAll(async () => {
  for (const kind of /** @type {const} */ (['texts', 'images'])) await putStandIns(join(scratch, kind), kind)
})
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

/** Commands that need more than the files here, and are tested elsewhere. @param {string} line */
const isElsewhere = (line) => elsewhere.some((pattern) => pattern.test(line))
const elsewhere = [
  /^(?:serve|worker) /, // do not end: packages/cli/test/serve.test.ts, packages/bulk
  /transcripts\.tsv/, // optimize-speech.test.ts and eval-speech.test.ts of packages/cli
  /embedder\.onnx/, // optimize.test.ts
  /--guard plan\.json/, // optimize.test.ts
]

/** Words in capitals stand for a reader's files. @type {Readonly<Record<string, string>>} */
const meant = { MODEL: 'model.onnx', DATA: 'texts.tsv', OTHERS: 'others.tsv' }

/** @param {readonly (readonly string[])[]} calls @returns {string[][]} arguments of tp */
function linesOf(calls) {
  const lines = calls.flatMap((call) => [argumentsOfTp(call) ?? []])
  return lines.map((args) => args.map((arg) => meant[arg] ?? arg)).filter((args) => !isElsewhere(args.join(' ')))
}

/** Models that are there before anything is run. */
const copied = new Set(['model.onnx', 'decoder.onnx'])

const takesLong = new Set(['train', 'optimize', 'eval', 'check', 'run', 'calibrate', 'bench', 'explain'])

/** @param {readonly string[]} args */
function isSlow([name = '', ...rest]) {
  const isSpecified = rest.some((arg) => /^--(method|plan|lossless)$/.test(arg))
  return takesLong.has(name) || rest.includes('--data') || (name === 'prune' && !isSpecified)
}

/** @param {() => readonly Printed[] | Promise<readonly Printed[]>} source */
async function blocksOf(source) {
  const scripts = (await source()).flatMap(({ form, text }) => (form === 'block' ? [text] : []))
  return callsOf(scripts).map(linesOf)
}

/** The same files, as hard links: what is written replaces them. @param {string} source @param {string} target */
function linkFolder(source, target) {
  mkdirSync(target)
  for (const entry of readdirSync(source, { withFileTypes: true })) {
    const [from, to] = [join(source, entry.name), join(target, entry.name)]
    if (entry.isDirectory()) linkFolder(from, to)
    else linkSync(from, to)
  }
}

/** 3: it has measured, and the model here is not as fast or as right as asked. @param {number} code */
function hasRun(code) {
  return code === 0 || code === 3
}

/**
 * Runs scripts one after the other, each in a folder with a reader's files.
 * @param {readonly string[][][]} scripts
 * @returns {Promise<string[]>} what went wrong
 */
async function problemsOf(scripts) {
  const own = mkdtempSync(join(scratch, 'run-'))
  const lines = scripts.flatMap((script, i) => {
    const cwd = join(own, `${i}`)
    linkFolder(join(scratch, kindOf(script.flat())), cwd)
    const planned = script.find((args) => args.includes('--plan'))
    if (planned !== undefined) writeFileSync(join(cwd, 'plan.json'), planFor(planned))
    return script.map((args) => ({ cwd, args }))
  })
  const ended = await runLines(lines)
  rmSync(own, { recursive: true, force: true })
  return ended.flatMap(({ code, stderr }, i) =>
    hasRun(code) ? [] : [`tp ${lines[i]?.args.join(' ')}: ${stderr.trim()}`],
  )
}

test('pages and help print commands that run, in the order in which they stand there', {
  timeout,
}, async () => {
  const help = (await blocksOf(ofHelp)).filter((script) => script.every(([, model = '']) => copied.has(model)))
  const scripts = [...(await blocksOf(ofPages)), ...help]
  const quick = scripts.filter((script) => !script.some(isSlow))
  expect(quick.length).toBeGreaterThan(20)
  expect(await problemsOf(quick)).toEqual([])
})

test('the commands on the first page of a learned method train and prune', { timeout }, async () => {
  const scripts = await blocksOf(ofPages)
  const learned = scripts.filter((script) => script.flat().includes('sdtp'))
  expect(learned.map((script) => script.map(([name]) => name))).toEqual([['train', 'prune']])
  expect(await problemsOf(learned)).toEqual([])
})

const slowly = {
  help: ofHelp,
  messages: ofMessages,
  pages: ofPages,
}

describe('commands that take long, or need files that another command makes', { tags: 'exhaustive' }, () => {
  beforeAll(putMadeFiles, timeout)

  test.each(Object.entries(slowly))('commands of %s run', { timeout: 3_600_000 }, async (name, source) => {
    const scripts = (await blocksOf(source)).filter((script) => script.length > 0)
    // The other pages have been run above.
    const isExpected = (/** @type {string[][]} */ script) => name !== 'pages' || script.some(isSlow)
    expect(await problemsOf(scripts.filter(isExpected))).toEqual([])
  })
})

/** The files that examples of a command take from those of others: pruned files, learned values, a plan. */
async function putMadeFiles() {
  const cwd = join(scratch, 'texts')
  const train = 'train model.onnx -o pruned.onnx --method sdtp --keep 0.7 --train method --data a.tsv --selection b.tsv'
  const made = [
    `${train} --weights-out sdtp.safetensors`,
    'quantize pruned.onnx -o int8.onnx',
    'pack int8.onnx -o packed.onnx',
    'prune decoder.onnx -o last.onnx --lossless',
    'prune model.onnx -o mail/pruned.onnx --method random --keep 0.7',
  ]
  mkdirSync(join(cwd, 'mail'))
  for (const name of ['config.json', 'tokenizer.json']) cpSync(join(cwd, name), join(cwd, 'mail', name))
  const ended = await runLines(made.map((line) => ({ cwd, args: line.split(' ') })))
  expect(ended.map(({ code, stderr }) => (code === 0 ? '' : stderr))).toEqual(made.map(() => ''))
}
