import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { packagesTable, recordedSizes } from '../check/install/sizes.mjs'
import { root, workspacePackages } from '../check/workspace.mjs'
import { sameBitsTable } from './eight-bits-tables.mjs'
import { errorCodes, errorsPage } from './errors-table.mjs'
import {
  answerSentence,
  evidence,
  expectTable,
  judgments,
  machinesText,
  resultsTable,
  withoutVnniTable,
} from './evidence-tables.mjs'
import { methodPackages, methodsTable, optionsTable } from './methods-table.mjs'
import { modelsTable, suitesTable } from './published-tables.mjs'
import { recipesTable } from './recipes-table.mjs'
import { regionsIn, replaceRegion } from './region.mjs'

/** The tasks that most come with; the other cases are on the page of results. */
const inReadme = ['all-MiniLM-L6-v2xSTS-2015', 'sick-MiniLMxSICK', 'minilm-sentimentxIMDB', 'wnut17-MiniLMxWNUT-17']

/** The content between `<!-- generated: NAME -->` and `<!-- end of NAME -->` on any page, by that name. */
async function regionTexts() {
  // Imported late: the checks start before packages are installed.
  const { planTable } = await import('./plan-fields.mjs')
  const methods = await methodPackages()
  const { planFields } = await planModules()
  const rows = evidence()
  const [models, suites] = [await modelsTable(), await suitesTable()]
  const ofPackage = (/** @type {string} */ page) => methods.find(({ folder }) => page === `${folder}/README.md`)
  /** @type {Record<string, (page: string) => string>} */
  const texts = {
    answer: () => answerSentence(rows),
    expect: () => expectTable(rows, inReadme),
    results: () => resultsTable(rows),
    'without-vnni': () => withoutVnniTable(rows),
    judgments: () => judgments(rows),
    machines: () => machinesText(rows),
    'same-bits': () => sameBitsTable(),
    plan: () => planTable(planFields),
    recipes: () => recipesTable(methods),
    methods: (page) => {
      const own = ofPackage(page)
      return own === undefined ? methodsTable(methods) : optionsTable(own)
    },
    packages: () => packagesTable(recordedSizes()),
    models: () => models,
    suites: () => suites,
    edge: () => exampleCode('node/edge-function.mjs'),
  }
  return texts
}

/** Pages whose regions are generated. */
function pages() {
  const documents = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'))
  const readmes = workspacePackages().map(({ folder }) => `${folder}/README.md`)
  return ['README.md', 'CONTRIBUTING.md', ...documents.map((name) => `docs/${name}`), ...readmes].filter(
    (page) => read(page) !== '',
  )
}

/** Regions that no generator writes, as `docs/page.md: name`. @returns {Promise<string[]>} */
export async function strayRegions() {
  const texts = await regionTexts()
  return pages().flatMap((page) => regionsIn(read(page)).flatMap((name) => (name in texts ? [] : [`${page}: ${name}`])))
}

/**
 * Every file of the repository that is generated, whole or in part, as it should be now.
 * @returns {Promise<{ file: string, text: string, present: string }[]>} `file` relative to the root
 */
export async function generatedFiles() {
  const { planSchema } = await import('./plan-fields.mjs')
  const texts = await regionTexts()
  const written = pages().map((file) => {
    const present = read(file)
    const text = regionsIn(present).reduce((text, name) => {
      const content = texts[name]?.(file)
      return content === undefined ? text : replaceRegion(file, text, name, content)
    }, present)
    return { file, present, text }
  })
  return [
    { file: 'tsconfig.json', present: read('tsconfig.json'), text: rootReferences() },
    { file: VERSION_FILE, present: read(VERSION_FILE), text: versionModule() },
    { file: PLAN_SCHEMA, present: read(PLAN_SCHEMA), text: planSchema(await planModules()) },
    { file: 'docs/errors.md', present: read('docs/errors.md'), text: errorsPage(await errorCodes()) },
    ...written,
  ]
}

async function planModules() {
  const { planModules } = await import('./plan-fields.mjs')
  return await planModules()
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
