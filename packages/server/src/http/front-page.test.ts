import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import type { ServedModel } from '../model/served-model.ts'
import { frontPage } from './front-page.ts'

const served = (name: string, current: Partial<ServedModel['current']>) =>
  [name, { name, current: { version: '0123', ...current } } as ServedModel] as const
const classifier = { task: 'classification', texts: {} } as Partial<ServedModel['current']>

const pageOf = (host: string, ...models: (readonly [string, ServedModel])[]): string =>
  frontPage({ version: '1.0.0', models: new Map(models), host, port: 8080 })

test('calls the server as its client does, unless that may be a command', () => {
  for (const host of ['localhost:8080', 'models.example.org'])
    expect(pageOf(host, served('mail', classifier))).toContain(`curl http://${host}/predict `)
  expect(pageOf('[::1]:8080', served('mail', classifier))).toContain("curl 'http://[::1]:8080/predict' ")
  for (const host of ['', "x';rm", 'a b', '$(id)', 'a/b'])
    expect(pageOf(host, served('mail', classifier))).toContain('curl http://127.0.0.1:8080/predict ')
})

test('quotes names of models for a shell', () => {
  const name = `it's "$(id)"`
  const page = pageOf(
    'localhost',
    served(name, { ...classifier, task: 'embeddings', vectors: { output: 'v', pooling: 'mean' } }),
  )
  const lines = page.split('\n').filter((line) => line.startsWith('  curl'))
  const words = (line: string): string[] =>
    execFileSync('sh', ['-c', line.replace('curl', "printf '%s\\n'")], { encoding: 'utf8' }).split('\n')
  const openai = lines.find((line) => line.includes('/v1/embeddings')) as string
  expect(JSON.parse(words(openai)[4] as string)).toMatchObject({ model: name })
  const metadata = lines.find((line) => line.includes('/v2/models/it') && !line.includes(' -d ')) as string
  const path = words(metadata)[0] as string
  expect(decodeURIComponent(path)).toBe(`http://localhost/v2/models/${name}`)
})

test('asks models that take no texts for nothing', () => {
  const page = pageOf('localhost', served('digits', { task: 'classification', texts: 'there is no tokenizer.json' }))
  expect(page).not.toContain(' -d ')
  expect(page).toContain('curl http://localhost/v2/models/digits\n')
})
