import { expect, test } from 'vitest'
import { runCommand } from '../check/command.mjs'
import { root } from '../check/workspace.mjs'

test('npm run quickstart measures three models that are here', { timeout: 1_800_000 }, async () => {
  const { ok, output } = await runCommand(['npm', 'run', 'quickstart'], { cwd: root, timeoutMs: 1_800_000 })
  expect(ok, output).toBe(true)
  for (const title of ['model  clauses 4×128', 'model  mail 6×128', 'model  digits-vit 6×64'])
    expect(output).toContain(title)
  expect(output).toMatch(/received-attention.*×/)
})
