import { dirname } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { argumentsOfTp, problemOfCall } from './programs.mjs'
import { callsOf } from './shell.mjs'
import { composing, composingModules, ofDocuments, ofHelp, ofMessages, ofPages, ofSources } from './sources.mjs'
import { isWhole, problemOfMention, problemsOfLines } from './tp-commands.mjs'

/** @typedef {import('./markdown.mjs').Printed} Printed */

const sources = {
  documents: ofDocuments,
  pages: ofPages,
  help: ofHelp,
  messages: ofMessages,
  sources: ofSources,
}

/** How many commands each source has at least: one of which nothing is found any more would not be checked. */
const least = { documents: 200, pages: 50, help: 25, messages: 10, sources: 50 }

/** @param {readonly Printed[]} printed @returns {Promise<string[]>} */
async function problemsOf(printed) {
  /** @type {string[]} */
  const problems = []
  /** @type {{ at: string, args: readonly string[] }[]} */
  const whole = []
  const calls = callsOf(printed.map(({ text }) => text))
  for (const [i, { at, form, isRun }] of printed.entries()) {
    for (const call of calls[i] ?? []) {
      const args = argumentsOfTp(call)
      const problem = args === undefined ? problemOfCall(call, dirname(at)) : await problemOfMention(args)
      if (problem !== undefined) problems.push(`${at}: ${problem}: ${call.join(' ')}`)
      else if (args !== undefined && !isRun && (form === 'block' || (await isWhole(args)))) whole.push({ at, args })
    }
  }
  const found = await problemsOfLines(whole.map(({ args }) => args))
  const refused = whole.flatMap(({ at, args }) => {
    const line = args.join(' ')
    return found.has(line) ? [`${at}: tp ${line}: ${found.get(line)}`] : []
  })
  return [...problems, ...refused]
}

/** @type {Map<string, readonly Printed[]>} */
const printed = new Map()
/** @type {string[]} */
let problems = []
beforeAll(async () => {
  for (const [name, of] of Object.entries(sources)) printed.set(name, await of())
  problems = await problemsOf([...printed.values()].flat())
}, 240_000) // on a busy machine

test.each(Object.entries(least))('commands of %s are found', (name, count) => {
  expect(printed.get(name)?.length).toBeGreaterThanOrEqual(count)
})

test('every command that is printed is one that the programs take', () => {
  expect(problems).toEqual([])
})

test('messages that put a whole command together are made, and read', () => {
  expect(composingModules().sort()).toEqual(composing)
})

test('the commands of what is wrong are found', async () => {
  const wrong = [
    'npx tp prune model.onnx -o pruned.onnx --method sdtp --keep 0.7',
    'npx tp prune model.onnx --kep 0.7',
    'tp train model.onnx -o trained.onnx --method ltp --data texts.tsv',
    'npx tp eval model.onnx --data texts.tsv --methods random,sdtp --keep 0.7',
    'npx tp prnue model.onnx',
    'npm run quickstat',
    'npm test -- everything',
    'npm run benchmark -- leraned',
    'npm run models -- no-such-model',
    'npx no-such-program',
    'npm create tp-pluggin x',
    'npm install @tp/compilr',
  ]
  const printed = wrong.map((text) => ({ at: 'here', text, form: /** @type {const} */ ('block') }))
  expect(await problemsOf(printed)).toHaveLength(wrong.length)
})
