import { runCommand } from './command.mjs'
import { judged } from './outcome.mjs'
import { root, tool } from './workspace.mjs'

/** The budgets of .size-limit.json. @returns {Promise<import('./outcome.mjs').Outcome[]>} */
export async function checkSizes() {
  const { ok, output } = await runCommand([...tool('size-limit/bin.js'), '--json'], { cwd: root })
  /** @type {{ name: string, size: number, sizeLimit: number, passed: boolean }[]} */
  const results = ok || output.startsWith('[') ? JSON.parse(output) : []
  if (results.length === 0) return [judged('size', [output])]
  return results.map(({ name, size, sizeLimit, passed }) =>
    judged(`size of ${name}`, passed ? [] : [`${size} B brotli, budget ${sizeLimit} B (.size-limit.json)`]),
  )
}
