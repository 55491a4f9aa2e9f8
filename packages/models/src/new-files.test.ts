import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { writeNewFiles } from './new-files.ts'

let root = ''
const at = (...parts: string[]): string => join(root, ...parts)
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'tp-models-'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

const files = new Map(['a', 'b'].map((name) => [name, Buffer.alloc(5000, name)]))

test('replaces no file, writes through no link, and accepts its own files', () => {
  for (const [name, make] of [
    ['file', (path: string) => writeFileSync(path, 'my trained model')],
    ['link', (path: string) => symlinkSync('../victim', path)],
    ['folder', (path: string) => mkdirSync(path)],
  ] as const) {
    mkdirSync(at(name))
    make(at(name, 'b'))
    expect(() => writeNewFiles(at(name), files)).toThrow(expect.objectContaining({ code: 'TP_OUTPUT' }))
    expect(readdirSync(at(name))).toEqual(['b'])
  }
  expect(existsSync(at('victim'))).toBe(false)
  for (const _ of ['new', 'there already']) {
    writeNewFiles(at('own'), files)
    expect(readdirSync(at('own')).sort()).toEqual(['a', 'b'])
    rmSync(at('own/a'))
  }
})

test('says where it cannot write, and leaves nothing', () => {
  writeFileSync(at('no-folder'), '')
  for (const place of ['no-folder', 'no-folder/below', '\0'])
    expect(() => writeNewFiles(at(place), files)).toThrow(expect.objectContaining({ code: 'TP_WRITE' }))
  const program = `import(process.argv[1]).then(({ writeNewFiles }) => {
    const files = new Map([['small', Buffer.alloc(10)], ['large', Buffer.alloc(5000)]])
    try { writeNewFiles('below/full', files) } catch ({ code }) { console.log(code) }
  })`
  const built = new URL('../dist/new-files.js', import.meta.url).href
  const limited = `ulimit -f 1; exec "$0" -e "$1" "$2"`
  const { stdout } = spawnSync('bash', ['-c', limited, process.execPath, program, built], {
    cwd: root,
    encoding: 'utf8',
  })
  expect([stdout, existsSync(at('below'))]).toEqual(['TP_WRITE\n', false])
})
