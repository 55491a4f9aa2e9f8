import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  cpSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { dirname, relative } from 'node:path'
import { FileClaims } from '@tp/data/files'
import { modelPath } from '@tp/models'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { OptionTable } from '../src/arguments/option.ts'
import { commands } from '../src/commands/index.ts'
import { writeModelFile } from '../src/index.ts'
import { readModelFile } from '../src/model/model-file.ts'
import { idx } from './idx.ts'
import { withDataFile } from './small-models.ts'
import { argv, fixture, temporaryFolder, tp, tpHere } from './tp.ts'

const folder = temporaryFolder()
const digits = modelPath('digits-vit')
const at = (name: string): string => folder.at(name)
const by = ['--method', 'stride', '--keep', '0.7']

/** A code and nothing else: no file has changed, and none has come. */
async function refused(args: readonly string[], code: string, message: RegExp): Promise<void> {
  const contents = (): string[] =>
    folder.files().map((name) => {
      const entry = lstatSync(at(name))
      const isRead = entry.isFile() && entry.size < 2 ** 24
      const hash = isRead
        ? createHash('sha256')
            .update(readFileSync(at(name)))
            .digest('hex')
        : ''
      return entry.isDirectory() ? name : `${name} ${entry.size} ${entry.mtimeMs} ${hash}`
    })
  const before = contents()
  const seen = await tpHere(args)
  expect(seen.stderr).toMatch(message)
  expect(seen.stderr).toContain(`code: ${code}\n`)
  expect(seen.code).toBe(code === 'TP_OUTPUT' ? 2 : 1)
  expect(contents()).toEqual(before)
}

describe('outputs and inputs of a command are different files', () => {
  const files = [
    'tokenizer.json',
    'config.json',
    'data.tsv',
    'dev.tsv',
    'w.safetensors',
    'plan.json',
    'guard.json',
    'other.json',
  ]
  beforeAll(() => {
    copyFileSync(digits, at('model.onnx'))
    copyFileSync(digits, at('dense.onnx'))
    for (const name of files) writeFileSync(at(name), `this is ${name}`)
    writeFileSync(at('plugin.mjs'), '')
    symlinkSync(at('data.tsv'), at('link.tsv'))
    linkSync(at('data.tsv'), at('hard.tsv'))
    mkdirSync(at('set'))
    writeFileSync(at('set/a.tsv'), '')
    symlinkSync(at('set'), at('set-link'))
  })

  const reading: readonly (readonly [option: string, name: string])[] = [
    ['--data', 'data.tsv'],
    ['--weights', 'w.safetensors'],
    ['--plugin', 'plugin.mjs'],
  ]
  const model = ['model.onnx', 'tokenizer.json', 'config.json']
  const beforehand: readonly (readonly [command: string, args: string[], inputs: readonly string[]])[] = [
    [
      'prune',
      [...by, '--weights', 'w.safetensors', '--plugin', 'plugin.mjs'],
      [...model, 'w.safetensors', 'plugin.mjs'],
    ],
    ['prune', ['--plan', 'plan.json'], ['plan.json']],
    ['pack', [], model],
    [
      'optimize',
      [...reading.flat(), '--read', 'tokenizer=other.json'],
      [...model, ...reading.map(([, name]) => name), 'other.json'],
    ],
    ['calibrate', ['--against', 'dense.onnx', '--data', 'data.tsv'], [...model, 'dense.onnx', 'data.tsv']],
    ['train', [...by, '--data', 'data.tsv', '--selection', 'dev.tsv'], [...model, 'data.tsv', 'dev.tsv']],
  ]
  for (const [command, args, inputs] of beforehand) {
    for (const input of inputs) {
      test(`tp ${command} ${args.filter((arg) => arg.startsWith('--')).join(' ')} -o ${input}`, async () => {
        const paths = args.map((arg) =>
          arg === 'tokenizer=other.json'
            ? `tokenizer=${at('other.json')}`
            : files.includes(arg) || /\.(onnx|mjs)$/.test(arg)
              ? at(arg)
              : arg,
        )
        await refused(
          [command, at('model.onnx'), ...paths, '-o', at(input)],
          'TP_OUTPUT',
          /the output .* is .*another path/,
        )
      })
    }
  }

  const train = (...more: string[]): string[] => {
    const data = ['--data', at('data.tsv'), '--selection', at('dev.tsv')]
    return ['train', at('model.onnx'), '-o', at('new.onnx'), ...by, ...data, ...more]
  }

  test.each([
    ['--log', () => at('data.tsv')],
    ['--weights-out', () => at('dev.tsv')],
    ['--log', () => at('link.tsv')],
    ['--log', () => at('hard.tsv')],
    ['--log', () => `${folder.path}/./set/../data.tsv`],
    ['--weights-out', () => relative(process.cwd(), at('tokenizer.json'))],
  ])('tp train %s, under any name', async (option, path) => {
    await refused(train(option, path()), 'TP_OUTPUT', /the output .* is .*another path/)
  })

  test.each([
    ['--log', () => at('new.onnx')],
    ['--log', () => at('NEW.onnx')],
    ['--weights-out', () => at('new.onnx.checkpoint')],
    ['--log', () => at('new.onnx.soft.checkpoint')],
  ])('refuses one file for two outputs of one command: %s', async (option, path) => {
    await refused(train(option, path()), 'TP_OUTPUT', /is to be two files at once/)
  })

  test.each(['set', 'set-link'])('refuses an output that would be an example of the folder %s', async (name) => {
    const args = ['calibrate', at('model.onnx'), '--against', at('dense.onnx'), '--data', at(name)]
    await refused([...args, '-o', at('set/new.tsv')], 'TP_OUTPUT', /would be one of the examples in/)
    linkSync(at('set/a.tsv'), at('outside.tsv'))
    await refused([...args, '-o', at('outside.tsv')], 'TP_OUTPUT', /would be one of the examples in/)
    rmSync(at('outside.tsv'))
    // Not a name of data: it changes nothing of them.
    const { stderr } = await tpHere([...args, '-o', at('set/guard.json')])
    expect(stderr).not.toContain('TP_OUTPUT')
  })

  test('says of every option that names a file whether it is read or written', async () => {
    for (const { load } of Object.values(commands)) {
      const command = await load()
      const values = Object.fromEntries(Object.keys(command.options).map((name) => [name, `<${name}>`]))
      const written = (command.writes?.(values, []) ?? []).map(({ path }) => path).join(' ')
      for (const [name, { value = '', reads, writes }] of Object.entries(command.options as OptionTable)) {
        if (!/FILE|PATH|OUT|PLAN|PREFIX|MODULE|MODEL|DENSE|OTHER/.test(value)) continue
        expect([name, (reads ?? writes) !== undefined || written.includes(`<${name}>`)]).toEqual([name, true])
      }
    }
  })
})

describe('only regular files of a known size are read', () => {
  const options = ['model', '--weights', '--plan', '--data', '--read', '--plugin', '--guard'] as const
  const reading = (option: (typeof options)[number], path: string): string[] => {
    const by = ['-o', at('out.onnx'), '--method', 'stride', '--keep', '0.7']
    if (option === 'model') return ['inspect', path]
    if (option === '--plan') return ['prune', digits, '-o', at('out.onnx'), '--plan', path]
    if (option === '--guard')
      return ['run', digits, '--against', digits, '--data', at('x.tsv'), '-o', at('y.jsonl'), '--guard', path]
    if (option === '--data') return ['eval', digits, '--data', path]
    if (option === '--read') return ['eval', digits, '--data', at('x.tsv'), '--read', `tokenizer=${path}`]
    return ['prune', digits, ...by, option, path]
  }

  beforeAll(() => {
    spawnSync('mkfifo', [at('pipe')])
    for (const name of ['sparse', 'sparse.mjs']) {
      writeFileSync(at(name), '')
      truncateSync(at(name), 100 * 2 ** 30) // holes: takes no room
    }
    writeFileSync(at('zeros.onnx'), '')
    truncateSync(at('zeros.onnx'), 1.5 * 2 ** 30)
    writeFileSync(at('x.tsv'), '0\tgood\n')
  })

  for (const option of options) {
    test(`a device, a pipe and a file without bound as ${option}`, async () => {
      await refused(reading(option, '/dev/zero'), 'TP_FILE_NOT_FOUND', /is not a regular file/)
      if (option !== '--plugin')
        await refused(reading(option, at('pipe')), 'TP_FILE_NOT_FOUND', /is not a regular file/)
      const sparse = at(option === '--plugin' ? 'sparse.mjs' : 'sparse')
      await refused(reading(option, sparse), 'TP_TOO_LARGE', /has 100\.0 GiB/)
    })
  }

  test('does not read gigabytes that do not start like a model', async () => {
    await refused(['inspect', at('zeros.onnx')], 'TP_NOT_ONNX', /is not an ONNX file/)
  })
})

describe('external data', () => {
  const out = (): string => at('out/pruned.onnx')
  beforeEach(() => {
    for (const name of ['in', 'out', 'elsewhere', 'cache']) {
      rmSync(at(name), { recursive: true, force: true })
      mkdirSync(at(name))
    }
    writeFileSync(at('elsewhere/secret'), 'x'.repeat(1_000_000))
  })
  const write = (location: string): string => {
    const { model, data } = withDataFile(location)
    writeFileSync(at('in/model.onnx'), model)
    writeFileSync(at('in/weights.bin'), data)
    return at('in/model.onnx')
  }
  const prune = (model: string): string[] => argv`prune ${model} -o ${out()} --method received-attention --keep 0.6`

  test('refuses a link out of the folder, and writes nothing next to the output', async () => {
    const model = write('link.bin')
    symlinkSync(at('elsewhere/secret'), at('in/link.bin'))
    for (const args of [['inspect', model], prune(model)]) {
      await refused(
        args,
        'TP_EXTERNAL_PATH',
        /in\/link\.bin is a link that leads out of the model's folder, to .*secret/,
      )
    }
  })

  test('refuses the model itself, a folder or a pipe as data', async () => {
    await refused(prune(write('model.onnx')), 'TP_EXTERNAL_PATH', /names itself/)
    await refused(prune(write('.')), 'TP_EXTERNAL_DATA', /is a folder/)
    const model = write('pipe.bin')
    spawnSync('mkfifo', [at('in/pipe.bin')])
    await refused(prune(model), 'TP_EXTERNAL_DATA', /is not a regular file/)
  })

  test('reads data through a link inside the folder, and copies their contents', async () => {
    const model = write('link.bin')
    symlinkSync(at('in/weights.bin'), at('in/link.bin'))
    const { code, stderr } = await tpHere(prune(model))
    expect([code, stderr]).toEqual([0, expect.not.stringContaining('code:')])
    expect(readFileSync(at('out/link.bin'))).toEqual(readFileSync(at('in/weights.bin')))
  })

  test('finds data next to the target of a linked model, as in a download cache', async () => {
    const model = write('weights.bin')
    mkdirSync(at('cache/blobs'))
    mkdirSync(at('cache/snapshot'))
    cpSync(model, at('cache/blobs/0123'))
    cpSync(at('in/weights.bin'), at('cache/blobs/4567'))
    symlinkSync('../blobs/0123', at('cache/snapshot/model.onnx'))
    symlinkSync('../blobs/4567', at('cache/snapshot/weights.bin'))
    expect((await tpHere(['inspect', at('cache/snapshot/model.onnx')])).code).toBe(0)
  })

  test('does not copy data onto an output, nor through a link out of its folder', async () => {
    const model = write('weights.bin')
    await refused(['prune', model, '-o', at('out/weights.bin'), ...by], 'TP_OUTPUT', /two files at once/)
    const deep = write('sub/weights.bin')
    mkdirSync(at('in/sub'))
    cpSync(at('in/weights.bin'), at('in/sub/weights.bin'))
    symlinkSync(at('elsewhere'), at('out/sub'))
    await refused(prune(deep), 'TP_WRITE', /leads out of the folder/)
  })
})

test('does not overwrite the files that a model written from code was made from', async () => {
  const { model, data } = withDataFile('code.bin')
  writeFileSync(at('code.onnx'), model)
  writeFileSync(at('code.bin'), data)
  const file = await readModelFile(at('code.onnx'))
  for (const out of ['code.onnx', 'code.bin', './code.onnx']) {
    const written = writeModelFile(file.model, file, `${folder.path}/${out}`)
    await expect(written).rejects.toEqual(expect.objectContaining({ code: 'TP_OUTPUT' }))
  }
  await writeModelFile(file.model, file, at('coded.onnx'))
  expect(readFileSync(at('coded.onnx'))).toEqual(readFileSync(at('code.onnx')))
})

describe('a command that reserves its output', () => {
  const data = (): string[] => ['--data', at('x.tsv')]
  const commandsOfData: readonly (readonly [string, () => string[], string])[] = [
    ['optimize', data, 'plan.json'],
    ['train', () => [...by, ...data(), '--selection', at('y.tsv')], 'out.onnx'],
    ['run', data, 'out.jsonl'],
  ]
  beforeAll(() => writeFileSync(at('file'), ''))

  test.each(commandsOfData)('tp %s names the output that cannot be written', async (command, args, out) => {
    const line = [command, digits, ...args(), '-o']
    await refused([...line, at(`absent/${out}`)], 'TP_WRITE', new RegExp(`absent/${out} was not written: the folder`))
    await refused(
      [...line, at(`file/${out}`)],
      'TP_WRITE',
      new RegExp(`file/${out} was not written: a part of the path`),
    )
  })

  test.each(commandsOfData)('tp %s reports a missing model before that', async (command, args, out) => {
    const line = [command, at('no.onnx'), ...args(), '-o', at(`absent/${out}`)]
    await refused(line, 'TP_FILE_NOT_FOUND', /no\.onnx/)
  })
})

test('accepts a name of 250 characters, or refuses it before any work', async () => {
  const name = `${'n'.repeat(245)}.onnx`
  const { code, stderr } = await tpHere(['prune', digits, '-o', at(name), ...by])
  expect([code, stderr]).toEqual([0, expect.not.stringContaining('code:')])
  const data = ['--data', at('x.tsv'), '--selection', at('x.tsv')]
  // Its checkpoint could not be written.
  await refused(['train', digits, '-o', at(`m${name.slice(1)}`), ...by, ...data], 'TP_WRITE', /name is too long/)
})

test('keeps names and metadata from controlling a terminal', async () => {
  const evil = '\u001b[2J\u001b]0;title\u0007\u009b31m\r\t\u0000\u007f'
  for (const args of [
    [evil],
    ['inspect', at(evil.replace('\u0000', ''))],
    ['prune', digits, '-o', evil],
    ['methods', evil],
  ]) {
    for (const more of [[], ['--json']]) {
      const { stdout, stderr } = await tpHere([...args, ...more])
      expect(stdout + stderr).toContain('\\u001b')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
      expect(stdout + stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
    }
  }
  copyFileSync(fixture('bert-cls-external'), at('named.onnx'))
  const { decodeModel, encodeModel } = await import('@tp/onnx')
  const model = decodeModel(readFileSync(digits))
  model.proto.producerName = evil
  writeFileSync(at('named.onnx'), encodeModel(model))
  const text = await tpHere(['inspect', at('named.onnx')])
  expect(text.stdout).toContain('\\u001b[2J\\u001b]0;title\\u0007\\u009b31m\\u000d\\u0009\\u0000\\u007f')
  const json = await tpHere(['inspect', at('named.onnx'), '--json'])
  expect(json.stdout).not.toContain('\u009b')
  expect(JSON.parse(json.stdout).producer).toBe(evil)
  expect(dirname(at('named.onnx'))).toBe(folder.path)
})

describe('tp optimize', () => {
  const args = (out: string): string[] => ['optimize', digits, '--data', at('data'), '--minutes', '0.01', '-o', at(out)]

  test('refuses an output that another search is about to write', async () => {
    const files = new FileClaims()
    await files.writes({ path: at('same.onnx'), what: '-o' })
    await using _other = await files.lock(['-o'])
    const { code, stderr } = await tpHere(args('same.onnx'))
    expect([code, stderr]).toEqual([2, expect.stringContaining('works at')])
  })

  test('notices before the search that the disk has no room for its file', async () => {
    mkdirSync(at('data'))
    const bytes = Array.from({ length: 30 * 784 }, (_, i) => (i * 7) % 256)
    writeFileSync(at('data/a-images-idx3-ubyte'), idx([30, 28, 28], bytes))
    writeFileSync(
      at('data/a-labels-idx1-ubyte'),
      idx(
        [30],
        Array.from({ length: 30 }, (_, i) => i % 10),
      ),
    )
    const { stderr } = await tp(args('large.onnx'), { through: ['bash', '-c', 'ulimit -f 50; exec "$0" "$@"'] })
    expect(stderr).toMatch(/large\.onnx was not written: .*\n.*\ncode: TP_WRITE/)
    expect(stderr).not.toContain('timing')
    expect(folder.files().filter((name) => name.includes('large'))).toEqual([])
  })
})
