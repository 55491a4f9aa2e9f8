import { runCommand } from '../check/command.mjs'
import { root, tool } from '../check/workspace.mjs'
import { writeGenerated } from '../generate/generated.mjs'

/**
 * Turns the changesets that wait into versions and changelogs, and everything that names the version with them. Nothing
 * is committed or published.
 */
export async function raiseVersions() {
  const { ok, output } = await runCommand([...tool('@changesets/cli/bin.js'), 'version'], { cwd: root })
  if (!ok) throw new Error(`changeset version failed:\n${output}`)
  await writeGenerated()
}
