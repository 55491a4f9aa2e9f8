import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { installTarballs } from '../docs/sandbox.mjs'
import { packAll } from '../tarballs.mjs'
import { publicPackages, root } from '../workspace.mjs'
import { installedPackages } from './installed-packages.mjs'

/**
 * The disk space of `npm install` of one package.
 * @typedef {{ own: number, all: number, packages: number }} Size
 *   `own`, `all`: MB unpacked, of the package and with what it needs; `packages`: how many that are, with itself
 * @typedef {Record<string, Size>} Sizes by name of a package, or purpose of several
 */

const FILE = 'etc/sizes.json'

/** Packages that are installed together, by their purpose. @returns {Record<string, string[]>} */
function sets() {
  return {
    'prune and run in Node, with one family of methods': ['@tp/compiler', '@tp/method-attention', '@tp/runtime-node'],
    'the command line': ['@tp/cli'],
    'the server': ['@tp/server'],
    'all packages': publicPackages().map(({ manifest }) => manifest.name),
  }
}

/** @returns {Sizes} as they are in the repository */
export function recordedSizes() {
  return JSON.parse(readFileSync(join(root, FILE), 'utf8'))
}

/** Writes what has changed noticeably. @returns {Promise<string[]>} the files that were changed */
export async function writeSizes() {
  const scratch = mkdtempSync(join(tmpdir(), 'tp-sizes-'))
  try {
    const recorded = recordedSizes()
    const sizes = steadySizes(recorded, await measureSizes(scratch, await packAll(scratch)))
    if (JSON.stringify(sizes) === JSON.stringify(recorded)) return []
    writeFileSync(join(root, FILE), `${JSON.stringify(sizes, null, 2)}\n`)
    return [FILE]
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

/**
 * @param {string} scratch a folder for temporary files
 * @param {readonly import('../tarballs.mjs').Tarball[]} tarballs
 * @returns {Promise<Sizes>}
 */
export async function measureSizes(scratch, tarballs) {
  /** @type {Sizes} */
  const sizes = {}
  const alone = publicPackages().map(({ manifest }) => [manifest.name, [manifest.name]])
  for (const [of, names] of /** @type {[string, string[]][]} */ ([...alone, ...Object.entries(sets())])) {
    const folder = join(scratch, 'sizes', of)
    await installTarballs(folder, tarballs, names)
    const installed = installedPackages(folder, names)
    const [own, all] = [installed.filter(({ name }) => names.includes(name)), installed].map(
      (some) => some.reduce((sum, { bytes }) => sum + bytes, 0) / 1e6,
    )
    sizes[of] = { own: own ?? 0, all: all ?? 0, packages: installed.length }
  }
  return sizes
}

/**
 * Sizes to record: rounded to two digits, and unchanged where the measured one is about the same, since a few bytes of a
 * comment or another platform make no difference.
 * @param {Sizes} recorded
 * @param {Sizes} measured
 * @returns {Sizes}
 */
export function steadySizes(recorded, measured) {
  return Object.fromEntries(
    Object.entries(measured).map(([name, size]) => {
      const before = recorded[name]
      const { own, all, packages } = size
      return [name, before && isAbout(before, size) ? before : { own: rounded(own), all: rounded(all), packages }]
    }),
  )
}

/** @param {Size} a @param {Size} b */
function isAbout(a, b) {
  const near = (/** @type {number} */ x, /** @type {number} */ y) => Math.abs(x - y) <= 0.1 * Math.max(x, y)
  return near(a.own, b.own) && near(a.all, b.all) && Math.abs(a.packages - b.packages) <= 2
}

/** @param {number} megabytes */
function rounded(megabytes) {
  return Number(megabytes.toPrecision(2))
}

/** All packages with their sizes, for a page in docs/. @param {Sizes} sizes @returns {string} */
export function packagesTable(sizes) {
  const packages = new Map(publicPackages().map(({ folder, manifest }) => [manifest.name, { folder, manifest }]))
  const rows = Object.entries(sizes).map(([of, { own, all, packages: count }]) => {
    const named = packages.get(of)
    const [name, what] = named ? [`[\`${of}\`](../${named.folder})`, named.manifest.description] : [`**${of}**`, '']
    return `| ${name} | ${what} | ${own} | ${all} | ${count} |`
  })
  return ['| package | purpose | own MB | MB in all | packages |', '| --- | --- | --: | --: | --: |', ...rows].join(
    '\n',
  )
}
