import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../repository.ts'
import { methodEntries } from '../method-pages.ts'
import { whenToUse } from '../when-to-use.ts'
import { type ExampleFate, KEPT_FILE, type KeptFile } from './kept.ts'
import { isShown, measureKept, shownDigit } from './measure.ts'

// Writes what each method keeps of an example, for the pages of methods: npm run kept in apps/site, a few minutes.
const methods: Record<string, Omit<ExampleFate, 'words'>> = {}
let words: readonly string[] = []
for (const { name } of methodEntries.filter(isShown)) {
  const isOfImages = /^Images|, for images/.test(whenToUse[name] ?? '')
  const { words: found, ...kept } = await measureKept(name, isOfImages ? 'image' : 'text')
  methods[name] = kept
  words = found ?? words
  process.stderr.write(`${name}: ${kept.prunedAt.filter((at) => at === null).length} of ${kept.prunedAt.length} kept\n`)
}
const digit = Array.from(shownDigit().pixels, (brightness) => Math.round(15 * brightness).toString(16)).join('')
const file: KeptFile = { digit, words, methods }
const rows = Object.entries(methods).map(([name, kept]) => `    ${JSON.stringify(name)}: ${JSON.stringify(kept)}`)
const text = `{\n  "digit": ${JSON.stringify(file.digit)},\n  "words": ${JSON.stringify(words)},\n  "methods": {\n${rows.join(',\n')}\n  }\n}\n`
writeFileSync(join(root, KEPT_FILE), text)
