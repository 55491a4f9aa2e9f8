import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { baselines, type MethodEntry } from '@tp/core'
import { methods as attention } from '@tp/method-attention'
import { methods as gradient } from '@tp/method-gradient'
import { methods as hybrid } from '@tp/method-hybrid'
import { methods as rl } from '@tp/method-rl'
import type { Page } from '../pages/page.ts'
import { readText, root } from '../repository.ts'
import { commandsOf } from './commands.ts'
import { docCommentOf, escaped, markdownOf } from './doc-comment.ts'
import { keptFigure } from './kept/kept.ts'
import { measuredTables } from './measured.ts'
import { whenToUse } from './when-to-use.ts'

interface MethodPackage {
  readonly name: string
  /** Where its methods' files are, relative to the root. */
  readonly folder: string
  readonly methods: readonly MethodEntry[]
}

const packages: readonly MethodPackage[] = [
  { name: '@tp/method-attention', folder: 'packages/method-attention/src', methods: attention },
  { name: '@tp/method-gradient', folder: 'packages/method-gradient/src', methods: gradient },
  { name: '@tp/method-hybrid', folder: 'packages/method-hybrid/src', methods: hybrid },
  { name: '@tp/method-rl', folder: 'packages/method-rl/src', methods: rl },
  { name: '@tp/core', folder: 'packages/core/src/baselines', methods: baselines },
]

/** Methods by package, for menus. */
export const methodGroups: readonly { readonly name: string; readonly methods: readonly string[] }[] = packages.map(
  ({ name, methods }) => ({ name, methods: methods.map((method) => method.name) }),
)

/** Methods in the order of menus. */
export const methodEntries: readonly MethodEntry[] = packages.flatMap(({ methods }) => methods)

/** One page for each method: what it does, its formula, options, when to use it, and what was measured. */
export function methodPages(results: readonly Page[]): Page[] {
  return packages.flatMap((own) => own.methods.map((method) => methodPage(method, own, results)))
}

function methodPage(method: MethodEntry, { name: packageName, folder }: MethodPackage, results: readonly Page[]): Page {
  const { name, description, paper, options } = method
  const file = `${folder}/${name}.ts`
  const factory = name.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
  const comment = existsSync(join(root, file)) ? docCommentOf(readText(file), factory) : undefined
  const when = whenToUse[name]
  if (comment === undefined) throw new Error(`${file} has no doc comment of ${factory}`)
  if (when === undefined) throw new Error(`apps/site/src/methods/when-to-use.ts says nothing about ${name}`)
  const tables = measuredTables(name, results)
  const commands = commandsOf(method)
  const figure = keptFigure(name)
  const text = [
    `# ${name}`,
    `${escaped(capital(description))}. By [\`${packageName}\`](/packages/${packageName.slice('@tp/'.length)}).`,
    '## When to use it',
    when,
    ...(figure === undefined ? [] : [figure]),
    '## What it computes',
    markdownOf(comment),
    ...(paper === undefined
      ? []
      : [
          `Paper: ${paper.arxiv === undefined ? paper.title : `[${paper.title}](https://arxiv.org/abs/${paper.arxiv})`}`,
        ]),
    '## Use it',
    `\`\`\`sh\n${commands.lines.join('\n')}\n\`\`\``,
    ...(commands.note === undefined ? [] : [commands.note]),
    `\`\`\`ts\nimport { ${factory} } from '${packageName}'\n\`\`\``,
    '### Options',
    optionsOf(options),
    '## Measured',
    ...(tables.length === 0
      ? [
          'No table of the [results](/results/) has a row of its own for this method; its numbers are tested against the paper’s code or by hand, and it passes the [conformance kit](/plugins).',
        ]
      : tables.map(
          ({ heading, address, columns, rows }) =>
            `[${heading.replaceAll(/[[\]]/g, '')}](${address}):\n\n${tableOf(columns, rows)}`,
        )),
  ].join('\n\n')
  return { path: `methods/${name}.md`, title: name, text: `${text}\n` }
}

function optionsOf(options: MethodEntry['options']): string {
  const rows = Object.entries(options).map(([name, { description, default: preset }]) => {
    return `| \`${name}\` | ${escaped(description)} | ${preset === undefined ? '' : `\`${preset}\``} |`
  })
  return rows.length === 0 ? 'None.' : ['| option | meaning | default |', '| --- | --- | --- |', ...rows].join('\n')
}

function tableOf(columns: string, rows: readonly string[]): string {
  const count = columns.split('|').length - 2
  // Links of a table are relative to its own page, which is named above.
  const plain = (row: string): string => row.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
  return [plain(columns), `|${' --- |'.repeat(count)}`, ...rows.map(plain)].join('\n')
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
