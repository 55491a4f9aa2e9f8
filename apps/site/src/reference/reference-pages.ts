import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { docCommentOf, escaped, markdownOf } from '../methods/doc-comment.ts'
import { packageFolders } from '../pages/documents.ts'
import type { Page } from '../pages/page.ts'
import { readText, root } from '../repository.ts'

/** One page for each entry point of each package: its API report, declaration by declaration, with their doc comments. */
export function referencePages(): Page[] {
  const reports = readdirSync(join(root, 'etc'))
    .filter((name) => name.endsWith('.api.md'))
    .sort()
  const pages = reports.map((name) => referencePage(name.slice(0, -'.api.md'.length)))
  const list = pages.map(({ path, title }) => `- [\`${title}\`](/${path.replace(/\.md$/, '')})`)
  const text = `# API reference\n\nEvery export of every entry point, made from the [API reports](https://api-extractor.com) that reviews of changes read, and from the doc comments of the sources. Errors are \`TpError\`s with a code; \`@throws\` names them.\n\n${list.join('\n')}\n`
  return [{ path: 'api/index.md', title: 'API reference', text }, ...pages]
}

function referencePage(name: string): Page {
  const report = readText(`etc/${name}.api.md`)
  const { folder, title } = entryPointOf(name)
  const sources = modulesOf(`${folder}/src`).map(readText)
  const declarations = declarationsIn(report).map(({ name: own, code }) => {
    const comment = sources.map((text) => docCommentOf(text, own)).find((found) => found !== undefined)
    const tags = comment?.tags.map(tagLine) ?? []
    const examples = comment?.examples.map((example) => `\`\`\`ts\n${example}\n\`\`\``) ?? []
    return [
      `## ${own}`,
      ...(comment === undefined ? [] : [markdownOf(comment)]),
      `\`\`\`ts\n${code}\n\`\`\``,
      ...(tags.length === 0 ? [] : [tags.join('\n')]),
      ...examples,
    ].join('\n\n')
  })
  const short = folder.slice(folder.indexOf('/') + 1)
  const text = [
    `# ${title}`,
    `Entry point of [\`${title.split('/').slice(0, 2).join('/')}\`](/packages/${short}).`,
    ...declarations,
  ].join('\n\n')
  return { path: `api/${name}.md`, title, text: `${text}\n` }
}

/** `@param name what it is` as an item of a list. */
function tagLine(tag: string): string {
  const [, kind, name, rest] = /^(\w+)(?: (\S+))?([\s\S]*)$/.exec(tag) ?? []
  return kind === 'param'
    ? `- **param** \`${name}\`:${escaped(rest ?? '')}`
    : `- **${kind}** ${escaped(`${name ?? ''}${rest ?? ''}`)}`
}

/** The package and the entry point that a report is of. @param report `core-host`, of `@tp/core/host` */
function entryPointOf(report: string): { folder: string; title: string } {
  for (const folder of packageFolders()) {
    const { name, exports } = JSON.parse(readText(`${folder}/package.json`)) as {
      name: string
      exports: Record<string, unknown>
    }
    const short = folder.slice(folder.indexOf('/') + 1)
    const found = Object.keys(exports).find((path) => `${short}${path.slice(1).replaceAll('/', '-')}` === report)
    if (found !== undefined) return { folder, title: `${name}${found.slice(1)}` }
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

/** The exported declarations of a report; overloads of one name together. */
function declarationsIn(report: string): { name: string; code: string }[] {
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
  const isType = ({ code: own }: { code: string }): boolean => /^export (interface|type) /.test(own)
  return [...declarations.filter((own) => !isType(own)), ...declarations.filter(isType)]
}
