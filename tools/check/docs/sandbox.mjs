import { chmodSync, existsSync, mkdirSync, readdirSync, realpathSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { runCommand } from '../command.mjs'
import { publicPackages, readJson, root } from '../workspace.mjs'

/**
 * A folder with packed packages installed, as a user has them: what is not in the tarball is not there. What they
 * depend on is linked from the workspace, so that nothing is fetched.
 * @param {string} folder
 * @param {readonly import('../tarballs.mjs').Tarball[]} tarballs
 * @param {readonly string[]} [wanted] names behind `npm install`: these are installed with what they need, and nothing
 *   else. Without it all are, optional peers too
 */
export async function installTarballs(folder, tarballs, wanted) {
  const modules = join(folder, 'node_modules')
  mkdirSync(join(modules, '.bin'), { recursive: true })
  const needed = wanted && withNeeds(wanted)
  for (const { name, path } of tarballs) {
    if (needed && !needed.has(name)) continue
    const target = join(modules, name)
    mkdirSync(target, { recursive: true })
    const { ok, output } = await runCommand(['tar', 'xzf', path, '-C', target, '--strip-components=1'], { cwd: root })
    if (!ok) throw new Error(`${path} could not be unpacked: ${output}`)
  }
  for (const { folder: source, manifest } of publicPackages()) {
    if (needed && !needed.has(manifest.name)) continue
    for (const name of Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })) {
      if (!needed || needed.has(name)) link(join(root, source, 'node_modules', name), join(modules, name))
    }
    const { bin = {} } = readJson(join(source, 'package.json'))
    for (const [command, path] of Object.entries(bin)) {
      const script = join(modules, manifest.name, path)
      if (existsSync(script)) chmodSync(script, 0o755)
      link(script, join(modules, '.bin', command))
    }
  }
}

/** The names and what npm installs with them: dependencies, and peers that are not optional. @param {readonly string[]} names */
function withNeeds(names) {
  const packages = new Map(publicPackages().map(({ manifest }) => [manifest.name, manifest]))
  const needed = new Set(names)
  for (const name of needed) {
    const { dependencies, peerDependencies, peerDependenciesMeta } = packages.get(name) ?? {}
    const peers = Object.keys(peerDependencies ?? {}).filter((peer) => !peerDependenciesMeta?.[peer]?.optional)
    for (const other of [...Object.keys(dependencies ?? {}), ...peers]) needed.add(other) // sets grow while they are walked
  }
  return needed
}

/**
 * A folder to follow one document in: the files of the repository are there to be read, what a command writes stays
 * inside.
 * @param {string} folder
 * @param {string} installed a folder made by `installTarballs`
 */
export function openSandbox(folder, installed) {
  mkdirSync(folder, { recursive: true })
  symlinkSync(join(installed, 'node_modules'), join(folder, 'node_modules'))
  for (const name of readdirSync(root)) {
    if (!name.startsWith('.') && name !== 'reports') link(join(root, name), join(folder, name))
  }
}

/** @param {string} source @param {string} target */
function link(source, target) {
  if (!existsSync(source) || existsSync(target)) return
  mkdirSync(dirname(target), { recursive: true })
  symlinkSync(realpathSync(source), target)
}
