import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from './workspace.mjs'

const folder = join(root, '.github/workflows')

/** @param {string} path @returns {Record<string, string>} scripts of a package */
const scriptsOf = (path) => JSON.parse(readFileSync(join(root, path, 'package.json'), 'utf8')).scripts

test.each(readdirSync(folder))('%s runs files and scripts that exist', (name) => {
  const steps = readFileSync(join(folder, name), 'utf8').split(/^ {6}- /m)
  const commands = steps.flatMap((step) => {
    const command = /^run: (.+)$/m.exec(step)?.[1]
    const place = /^ *working-directory: (.+)$/m.exec(step)?.[1] ?? '.'
    return command === undefined ? [] : [{ command, place }]
  })
  expect(commands.length).toBeGreaterThan(0)
  for (const { command, place } of commands) {
    const file = /^bash (\S+)( \$\{\{ [\w.]+ \}\})?$/.exec(command)?.[1]
    const script = /^npm run (\S+)$/.exec(command)?.[1]
    if (file !== undefined) expect(existsSync(join(root, place, file)), command).toBe(true)
    else if (script !== undefined) expect(Object.keys(scriptsOf(place)), command).toContain(script)
    else
      expect(command).toMatch(
        /^(npx changeset (publish|status --since=origin\/main)|npm install --global npm@\d+|git push --follow-tags)$/,
      )
  }
})
