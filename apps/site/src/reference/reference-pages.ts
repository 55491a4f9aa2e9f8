import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { docCommentOf, escaped, markdownOf } from '../methods/doc-comment.ts'
import { packageFolders } from '../pages/documents.ts'
import type { Page } from '../pages/page.ts'
import { readText, root } from '../repository.ts'
import { sectionsOf } from './sections.ts'

/** Packages by what one does with them, in the order of the list. */
const purposes: Readonly<Record<string, readonly string[]>> = {
  'Change models': ['core', 'onnx', 'compiler', 'autodiff', 'models'],
  Methods: ['method-attention', 'method-gradient', 'method-hybrid', 'method-rl'],
  'Run models': ['runtime-node', 'runtime-native', 'runtime-web', 'operators', 'transformers'],
  'Measure and compare': ['metrics', 'data', 'compare'],
  'Choose and learn': ['optimize', 'train'],
  'Write plugins': ['create-tp-plugin'],
  'Serve and watch': ['plans', 'guard', 'server', 'bulk', 'cli'],
}

/**
 * One page for each entry point of each package: its API report, declaration by declaration, with their doc comments, and a list of them.
 * @throws Error for an entry point of a package that the list has no place for
 */
export function referencePages(): Page[] {
  const reports = readdirSync(join(root, 'etc'))
    .filter((name) => name.endsWith('.api.md'))
    .map((name) => name.slice(0, -'.api.md'.length))
    .sort()
  const pages = reports.map(referencePage)
  const lists = Object.entries(purposes).map(([purpose, packages]) => {
    const items = packages.flatMap((name) => reports.filter((report) => packageOf(report) === name).map(itemOf))
    return `## ${purpose}\n\n${items.join('\n')}`
  })
  const lost = reports.find(
    (report) => !Object.values(purposes).some((packages) => packages.includes(packageOf(report))),
  )
  if (lost !== undefined) throw new Error(`etc/${lost}.api.md is in no list: name its package in ${import.meta.url}`)
  const text = `# API reference\n\nEvery export of every entry point, generated from the [API reports](https://api-extractor.com) and from the doc comments of the sources. Errors are \`TpError\`s with a code; \`@throws\` names them.\n\n${lists.join('\n\n')}\n`
  return [{ path: 'api/index.md', title: 'API reference', text }, ...pages]
}

function packageOf(report: string): string {
  const { folder } = entryPointOf(report)
  return folder.slice(folder.indexOf('/') + 1)
}

/** An entry point, and what it is: the comment that its source begins with, or the description of its package. */
function itemOf(report: string): string {
  const { folder, title, index } = entryPointOf(report)
  const { name, description } = JSON.parse(readText(`${folder}/package.json`)) as { name: string; description: string }
  const [, opening = description] = /^\/\/ ([^\n]*)\n/.exec(title === name ? '' : readText(index)) ?? []
  return `- [\`${title}\`](/api/${report}): ${opening.replace(/\.$/, '')}`
}

function referencePage(name: string): Page {
  const report = readText(`etc/${name}.api.md`)
  const { folder, title, index } = entryPointOf(name)
  const sources = modulesOf(`${folder}/src`).map(readText)
  const declarations = declarationsIn(report)
  const texts = (own: readonly Declaration[], level: string): string[] =>
    own.map((declaration) => declarationText(declaration, sources, level))
  const sections = sectionsOf(readText(index))
  const rest = declarations.filter(({ name: own }) => !sections.some(({ names }) => names.has(own)))
  const short = folder.slice(folder.indexOf('/') + 1)
  const text = [
    `# ${title}`,
    `Entry point of [\`${title.split('/').slice(0, 2).join('/')}\`](/packages/${short}).`,
    ...sections.flatMap(({ title: purpose, sentence, names }) => [
      `## ${purpose}`,
      `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}`,
      ...texts(
        declarations.filter(({ name: own }) => names.has(own)),
        '###',
      ),
    ]),
    ...texts(rest, '##'),
  ].join('\n\n')
  return { path: `api/${name}.md`, title, text: `${text}\n` }
}

/** A declaration under its name, with its doc comment. */
function declarationText({ name, code }: Declaration, sources: readonly string[], level: string): string {
  const comment = sources.map((text) => docCommentOf(text, name)).find((found) => found !== undefined)
  const tags = comment?.tags.map(tagLine) ?? []
  const examples = comment?.examples.map((example) => `\`\`\`ts\n${example}\n\`\`\``) ?? []
  return [
    `${level} ${name}`,
    ...(comment === undefined ? [] : [markdownOf(comment)]),
    `\`\`\`ts\n${code}\n\`\`\``,
    ...(tags.length === 0 ? [] : [tags.join('\n')]),
    ...examples,
  ].join('\n\n')
}

/** `@param name what it is` as an item of a list. */
function tagLine(tag: string): string {
  const [, kind, name, rest] = /^(\w+)(?: (\S+))?([\s\S]*)$/.exec(tag) ?? []
  return kind === 'param'
    ? `- **param** \`${name}\`:${escaped(rest ?? '')}`
    : `- **${kind}** ${escaped(`${name ?? ''}${rest ?? ''}`)}`
}

/** The package and the entry point that a report is of, and its source. @param report `core-host`, of `@tp/core/host` */
function entryPointOf(report: string): { folder: string; title: string; index: string } {
  for (const folder of packageFolders()) {
    const { name, exports } = JSON.parse(readText(`${folder}/package.json`)) as {
      name: string
      exports: Record<string, { readonly types?: string } | string>
    }
    const short = folder.slice(folder.indexOf('/') + 1)
    const found = Object.keys(exports).find((path) => `${short}${path.slice(1).replaceAll('/', '-')}` === report)
    if (found === undefined) continue
    const { types = '' } = exports[found] as { readonly types?: string }
    const index = types.replace('./dist/', `${folder}/src/`).replace(/\.d\.ts$/, '.ts')
    return { folder, title: `${name}${found.slice(1)}`, index }
  }
  throw new Error(`etc/${report}.api.md is of no entry point`)
}

function modulesOf(folder: string): string[] {
  const names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
  return names
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .sort()
    .map((name) => `${folder}/${name}`)
}

interface Declaration {
  readonly name: string
  readonly code: string
}

/** The exported declarations of a report; overloads of one name together. */
function declarationsIn(report: string): Declaration[] {
  const code = /```ts\n([\s\S]*?)\n```/.exec(report)?.[1] ?? ''
  const found = new Map<string, string[]>()
  for (const part of code.split(/\n\n(?=\S)/)) {
    const name =
      /^export (?:declare )?(?:abstract )?(?:default )?(?:async )?(?:function|const|interface|type|class) (\w+)/m.exec(
        part,
      )?.[1]
    if (name !== undefined) found.set(name, [...(found.get(name) ?? []), part.trim()])
  }
  const declarations = [...found].map(([name, parts]) => ({ name, code: parts.join('\n\n') }))
  // Functions come first; types are looked up from there.
  const isType = ({ code: own }: Declaration): boolean => /^export (interface|type) /.test(own)
  return [...declarations.filter((own) => !isType(own)), ...declarations.filter(isType)]
}
