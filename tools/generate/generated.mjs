import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { recordedSizes, sizesTable } from '../check/install/sizes.mjs'
import { publicPackages, root, workspacePackages } from '../check/workspace.mjs'
import {
  answerSentence,
  answersList,
  evidence,
  evidenceOfAllCases,
  expectTable,
  outsideTables,
  withoutVnniTable,
} from './evidence-tables.mjs'
import { markdownTable } from './markdown-table.mjs'
import { measuredTable, publishedLines } from './measured-table.mjs'
import { methodPackages, methodsTable, optionsTable } from './methods-table.mjs'
import { operatorsTable } from './operators-table.mjs'
import { recipesTable } from './recipes-table.mjs'
import { replaceRegion } from './region.mjs'

/** The tasks that most come with; the other cases are on the page of results. */
const inReadme = ['all-MiniLM-L6-v2xSTS-2015', 'sick-MiniLMxSICK', 'minilm-sentimentxIMDB', 'wnut17-MiniLMxWNUT-17']

/**
 * Every file of the repository that is generated, whole or in part, as it should be now.
 * @returns {Promise<{ file: string, text: string, present: string }[]>} `file` relative to the root
 */
export async function generatedFiles() {
  // Imported late: the checks start before packages are installed.
  const { planModules, planSchema, planTable } = await import('./plan-fields.mjs')
  const methods = await methodPackages()
  const plans = await planModules()
  const rows = evidence()
  const rowsOfAllCases = evidenceOfAllCases()
  const readmes = methods
    .filter(({ folder }) => existsSync(join(root, folder, 'README.md')))
    .map((methodPackage) => withRegions(`${methodPackage.folder}/README.md`, { methods: optionsTable(methodPackage) }))
  return [
    { file: 'tsconfig.json', present: read('tsconfig.json'), text: rootReferences() },
    { file: VERSION_FILE, present: read(VERSION_FILE), text: versionModule() },
    { file: PLAN_SCHEMA, present: read(PLAN_SCHEMA), text: planSchema(plans) },
    withRegions('docs/plans.md', { plan: planTable(plans.planFields) }),
    withRegions('README.md', { expect: expectTable(rows, 'docs/results/outside.md', { cases: inReadme }) }),
    withRegions('docs/choose.md', { recipes: recipesTable(methods), expect: expectTable(rows, 'results/outside.md') }),
    withRegions('docs/results/outside.md', {
      answers: answersList(rowsOfAllCases),
      'without-vnni': withoutVnniTable(evidence({ withoutVnni: true })),
      outside: outsideTables(rowsOfAllCases),
    }),
    withRegions('docs/methods.md', { methods: methodsTable(methods) }),
    withRegions('docs/results.md', {
      answer: answerSentence(rows),
      expect: expectTable(rows, 'results/outside.md'),
      measured: measuredTable(publishedLines()),
    }),
    withRegions('docs/javascript.md', { edge: exampleCode('node/edge-function.mjs') }),
    withRegions('docs/plugins.md', { operators: operatorsTable() }),
    withRegions('docs/packages.md', { packages: packagesTable(), sizes: sizesTable(recordedSizes()) }),
    ...readmes,
  ]
}

/** @param {string} file @param {Record<string, string>} regions */
function withRegions(file, regions) {
  const present = read(file)
  const text = Object.entries(regions).reduce((text, [name, table]) => replaceRegion(file, text, name, table), present)
  return { file, present, text }
}

/** @returns {Promise<string[]>} the files that were changed */
export async function writeGenerated() {
  const stale = (await generatedFiles()).filter(({ text, present }) => text !== present)
  for (const { file, text } of stale) writeFileSync(join(root, file), text)
  return stale.map(({ file }) => file)
}

/** @param {string} file relative to the root */
function read(file) {
  return existsSync(join(root, file)) ? readFileSync(join(root, file), 'utf8') : ''
}

/** For editors. */
const PLAN_SCHEMA = 'packages/compiler/plan.schema.json'

const VERSION_FILE = 'packages/compiler/src/program/version.ts'

/** The version that pruned files name; libraries for browsers cannot read their manifest. */
function versionModule() {
  const { version } = JSON.parse(read('packages/compiler/package.json'))
  return `/** Version of the toolkit, as pruned files name it. Generated from package.json. */\nexport const version = '${version}'\n`
}

function packagesTable() {
  const rows = publicPackages().map(({ folder, manifest }) => {
    return [`[\`${manifest.name}\`](../${folder})`, `${manifest.description}`]
  })
  return markdownTable(['package', 'what it does'], rows)
}

function rootReferences() {
  const references = workspacePackages()
    .filter(({ folder }) => existsSync(join(root, folder, 'tsconfig.json')))
    .map(({ folder }) => ({ path: folder }))
  return `${JSON.stringify({ files: [], references }, null, 2)}\n`
}

/** A tested program as a block. @param {string} path in apps/examples */
function exampleCode(path) {
  const language = path.endsWith('.json') ? 'json' : 'js'
  return `\`\`\`${language}\n${readFileSync(join(root, 'apps/examples', path), 'utf8').trimEnd()}\n\`\`\``
}
