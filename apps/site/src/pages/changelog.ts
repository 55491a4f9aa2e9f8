import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { readText, root } from '../repository.ts'
import { packageFolders } from './documents.ts'
import type { Page } from './page.ts'

/** The changes: since the last release by changesets, before that by the packages' changelogs. */
export function changelogPage(): Page {
  const version = (JSON.parse(readText('packages/core/package.json')) as { version: string }).version
  const changes = readdirSync(join(root, '.changeset')).filter((name) => name.endsWith('.md') && name !== 'README.md')
  const entries = changes.map((name) => changeOf(readText(`.changeset/${name}`)))
  const byPackage = new Map<string, string[]>()
  for (const { packages, text } of entries) {
    const first = packages.length > 3 ? 'several packages' : packages.join(', ')
    byPackage.set(first, [...(byPackage.get(first) ?? []), text])
  }
  const sections = [...byPackage]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([name, texts]) => `### ${name}\n\n${texts.map((text) => `- ${text.replaceAll(/\s*\n\s*/g, ' ')}`).join('\n')}`,
    )
  const logs = packageFolders().filter((folder) => existsSync(join(root, folder, 'CHANGELOG.md')))
  const released = logs.map((folder) => readText(`${folder}/CHANGELOG.md`).replaceAll(/^#/gm, '##'))
  const unreleased = sections.length === 0 ? 'Nothing.' : sections.join('\n\n')
  // Before the first release there is no version since which something could have changed.
  const state = logs.length === 0 ? 'Nothing has been published yet.' : `It is ${version} now.`
  const heading = logs.length === 0 ? 'The first release' : `Since ${version}`
  const text = `# Changelog\n\nAll packages share one version. ${state}\n\n## ${heading}\n\n${unreleased}\n\n${released.join('\n\n')}`
  return { path: 'changelog.md', title: 'Changelog', text: `${text.trim()}\n` }
}

function changeOf(changeset: string): { packages: string[]; text: string } {
  const [, head = '', text = ''] = /^---\n([\s\S]*?)---\n([\s\S]*)$/.exec(changeset) ?? []
  return { packages: [...head.matchAll(/"([^"]+)":/g)].map(([, name]) => name as string).sort(), text: text.trim() }
}
