import { basename, join } from 'node:path'
import { runCommand } from './command.mjs'
import { judged } from './outcome.mjs'
import { root, tool } from './workspace.mjs'

/**
 * A package as it would be published.
 * @typedef {{ name: string, path: string, files: string[] }} Tarball
 */

/**
 * @param {string} scratch the folder to pack into
 * @param {string} [workspace] whose packages are packed
 * @returns {Promise<Tarball[]>}
 */
export async function packAll(scratch, workspace = root) {
  const filters = ['--filter', './packages/*', '--filter', 'create-tp-plugin']
  const pack = ['pack', '--recursive', ...filters, '--pack-destination', scratch, '--json']
  const { ok, output } = await runCommand([...tool('pnpm/bin/pnpm.cjs'), ...pack], { cwd: workspace })
  if (!ok) throw new Error(`pnpm pack failed:\n${output}`)
  /** @type {{ name: string, filename: string } | { name: string, filename: string }[]} */
  const packed = JSON.parse(output)
  return Promise.all(
    [packed].flat().map(async ({ name, filename }) => {
      const path = join(scratch, basename(filename))
      // pnpm's own list omits the license, which it adds from the root.
      const { output: list } = await runCommand(['tar', 'tzf', path], { cwd: root })
      return { name, path, files: list.split('\n').map((file) => file.slice('package/'.length)) }
    }),
  )
}

/**
 * @param {readonly Tarball[]} tarballs
 * @param {{ exhaustive: boolean }} options `exhaustive`: also how TypeScript resolves the types of each package
 * @returns {Promise<import('./outcome.mjs').Outcome[]>}
 */
export async function checkTarballs(tarballs, { exhaustive }) {
  const outcomes = []
  for (const { name, path, files } of tarballs) {
    outcomes.push(judged(`files of ${name}`, problemsOfFiles(files)))
    const lint = await runCommand([...tool('publint/src/cli.js'), path, '--strict'], { cwd: root })
    outcomes.push(judged(`publint ${name}`, lint.ok ? [] : [lint.output]))
    if (!exhaustive) continue
    const attw = [...tool('@arethetypeswrong/cli/dist/index.js'), path, '--profile=esm-only', '--no-color']
    const types = await runCommand(attw, { cwd: root })
    outcomes.push(judged(`attw ${name}`, types.ok ? [] : [types.output]))
  }
  return outcomes
}

/** @param {readonly string[]} files */
function problemsOfFiles(files) {
  const missing = ['LICENSE', 'README.md', 'package.json'].filter((file) => !files.includes(file))
  const stray = files.filter((file) => /\.test\.|\.tsbuildinfo$|\.turbo/.test(file))
  return [...missing.map((file) => `${file} is missing`), ...stray.map((file) => `${file} does not belong there`)]
}
