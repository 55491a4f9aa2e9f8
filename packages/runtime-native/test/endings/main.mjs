// Tries every ending, or those that are named, many times: node test/endings/main.mjs [ending …] --tries 200
import { rm } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { endings, tryEnding, writeModels } from './endings.mjs'

const { values, positionals } = parseArgs({
  options: { tries: { type: 'string', default: '200' } },
  allowPositionals: true,
})
const names = positionals.length > 0 ? positionals : Object.keys(endings)
const folder = await writeModels()
for (const ending of /** @type {(keyof typeof endings)[]} */ (names)) {
  const wrong = []
  for (let i = 0; i < Number(values.tries); i++) {
    const problem = await tryEnding(ending, (i * 7) % 80, folder)
    if (problem !== undefined) wrong.push(problem)
  }
  process.stdout.write(`${ending}: ${wrong.length} of ${values.tries} went wrong\n${wrong.slice(0, 3).join('\n')}`)
  if (wrong.length > 0) process.exitCode = 1
}
await rm(folder, { recursive: true })
