import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { baselines } from '@tp/core'
import { needsValues } from '@tp/core/host'
import { methods as attention } from '@tp/method-attention'
import { methods as gradient } from '@tp/method-gradient'
import { methods as hybrid } from '@tp/method-hybrid'
import { methods as rl } from '@tp/method-rl'
import { expect, test } from 'vitest'
import { slugOf } from '../src/methods/measured.ts'
import { methodGroups } from '../src/methods/method-pages.ts'
import { menusOf } from '../src/navigation.ts'
import { allPages } from '../src/pages/all-pages.ts'
import { files, Links } from '../src/pages/links.ts'
import { addressOf, type Page } from '../src/pages/page.ts'
import { repositoryUrl, root } from '../src/repository.ts'

const pages = allPages()

/** Exports that fit on a page without groups. */
const MANY = 24
const entries = [...baselines, ...attention, ...gradient, ...hybrid, ...rl]

/** Outside of code, which may look like links. */
const prose = ({ text }: Page): string => text.replaceAll(/^ *```[\s\S]*?^ *```$/gm, '').replaceAll(/`[^`\n]*`/g, '')

/** A heading for each slug that VitePress makes; the second of a name gets a number. */
function slugsOf(page: Page): Set<string> {
  const slugs = new Set<string>()
  const headings = page.text.replaceAll(/^ *```[\s\S]*?^ *```$/gm, '').matchAll(/^#+ (.+)$/gm)
  for (const [, heading = ''] of headings) {
    const slug = slugOf(heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll(/[`*]/g, ''))
    let own = slug
    for (let i = 1; slugs.has(own); i++) own = `${slug}-${i}`
    slugs.add(own)
  }
  return slugs
}

test('every link leads to a page of the site, and to a heading there', () => {
  const slugs = new Map(pages.map((page) => [addressOf(page), slugsOf(page)]))
  const others = new Set(files.values())
  const dead = pages.flatMap((page) => {
    const targets = [
      ...prose(page)
        .replaceAll(/!\[[^\]]*\]\([^)]*\)/g, '')
        .matchAll(/\]\(([^)\s]+)\)|\blink: '?([^,'}\s]+)/g),
    ].map(([, a, b]) => a ?? b ?? '')
    return targets
      .filter((target) => !/^https?:/.test(target))
      .filter((target) => {
        const [address = '', heading] = target.split('#')
        const found = slugs.get(address === '' ? addressOf(page) : address)
        return found === undefined ? !others.has(address) : heading !== undefined && !found.has(heading)
      })
      .map((target) => `${page.path}: ${target}`)
  })
  expect(dead).toEqual([])
})

test('every image is in the folder of public files', () => {
  const images = pages.flatMap((page) =>
    [...prose(page).matchAll(/!\[[^\]]*\]\(\/([^)\s]+)\)/g)].map(([, path]) => path as string),
  )
  expect(images.length).toBeGreaterThan(0)
  expect(images.filter((path) => !existsSync(join(root, 'docs', path)))).toEqual([])
})

test('every method has a page with its formula or its rule, and says when to use it', () => {
  const names = methodGroups.flatMap(({ methods }) => methods)
  const texts = names.map((name) => pages.find(({ path }) => path === `methods/${name}.md`)?.text ?? '')
  for (const text of texts)
    expect(text).toMatch(/## When to use it\n\n\S[\s\S]*## What it computes\n\n\S[\s\S]*## Use it/)
})

test('the page of a method that works with trained values trains it, and prunes with what was written', () => {
  const learned = entries.filter(({ create }) => needsValues(create()))
  expect(learned.map(({ name }) => name)).toEqual(expect.arrayContaining(['sdtp', 'adapler', 'tr-bert', 'lens']))
  for (const { name } of learned) {
    const text = pages.find(({ path }) => path === `methods/${name}.md`)?.text ?? ''
    const [, written, pruned] =
      /^npx tp train .*--weights-out (\S+)\nnpx tp prune .* --weights (\S+)$/m.exec(text) ?? []
    expect([written, pruned]).toEqual([`${name}.safetensors`, `${name}.safetensors`])
  }
})

test('the page of a method is about the model that it is for', () => {
  const commandsOf = (name: string): string | undefined => pages.find(({ path }) => path === `methods/${name}.md`)?.text
  expect(commandsOf('thin-padding')).toContain('tp prune encoder_model.onnx')
  expect(commandsOf('key-diff')).toContain('tp press decoder.onnx')
  expect(commandsOf('dynamicvit')).toContain('--data images --selection other-images')
})

test('the page of a method shows its measurements, with the table that they are from', () => {
  const text = pages.find(({ path }) => path === 'methods/cls-attention.md')?.text
  expect(text).toMatch(/## Measured\n\n\[Results: .*\]\(\/results\/#.*\):\n\n\| task \|/)
})

test('the reference has the doc comment of an export next to its declaration', () => {
  const text = pages.find(({ path }) => path === 'api/compiler.md')?.text
  expect(text).toMatch(/### prune\n\nPrunes tokens [\s\S]*?```ts\nexport function prune\(/)
})

test('the reference of an entry point with many exports groups all of them by purpose', () => {
  const flat = (text: string): string[] => {
    const [, ...parts] = text.replaceAll(/^ *```[\s\S]*?^ *```$/gm, '').split(/^(?=##? )/m)
    return parts.filter((part) => !part.includes('\n### ')).map((part) => part.split('\n')[0] as string)
  }
  const long = pages.filter(
    ({ path, text }) => path.startsWith('api/') && (text.match(/^```ts$/gm) ?? []).length > MANY,
  )
  expect(long.length).toBeGreaterThan(5)
  expect(long.map(({ path, text }) => [path, flat(text)])).toEqual(long.map(({ path }) => [path, []]))
  expect(pages.find(({ path }) => path === 'api/metrics.md')?.text).toMatch(
    /\n## Times\n\nOf models .*\n\n### pairedSpeedup\n/,
  )
})

test('a document that no menu names is refused', () => {
  const stray: Page = { path: 'stray.md', title: 'Stray', text: '# Stray', source: 'docs/stray.md' }
  expect(() => menusOf([...pages, stray], () => {})).toThrow('docs/stray.md is in no menu')
})

test('links of documents become links of the site, or of the repository', () => {
  const page = (text: string): Page => ({ path: 'ours.md', title: 'Ours', source: 'docs/ours.md', text })
  const other: Page = {
    path: 'packages/optimize.md',
    title: 'Optimize',
    source: 'packages/optimize/README.md',
    text: '# Optimize',
  }
  const links = new Links([page(''), other])
  const inSite = (text: string): string => links.inSite(page(text))
  expect(inSite('[how\nit works](../packages/optimize#regimes)')).toBe('[how\nit works](/packages/optimize#regimes)')
  expect(inSite('[source](../tools/release/main.mjs)')).toBe(
    `[source](${repositoryUrl}/blob/main/tools/release/main.mjs)`,
  )
  expect(inSite('[demo](../apps/demo)')).toBe('[demo](/demo/){target="_self"}')
  expect(inSite('![An image](images/pruning.svg)')).toBe('![An image](/images/pruning.svg)')
  expect(() => inSite('[gone](gone.md)')).toThrow('docs/ours.md: gone.md leads nowhere')
})

test('leaves out the marks that only the checks of documents read', () => {
  const text = '<!-- first: cp a b -->\n```sh slow\n<!-- first: kept -->\n[code](gone.md)\n```\n'
  const page: Page = { path: 'ours.md', title: 'Ours', source: 'docs/ours.md', text }
  expect(new Links([page]).inSite(page)).toBe('```sh\n<!-- first: kept -->\n[code](gone.md)\n```\n')
})
