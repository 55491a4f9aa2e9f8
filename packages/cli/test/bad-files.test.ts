import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { modelPath } from '@tp/models'
import { decodeModel, encodeModel } from '@tp/onnx'
import { beforeAll, describe, expect, test } from 'vitest'
import { temporaryFolder, tp, tpHere } from './tp.ts'

const folder = temporaryFolder()
const digits = modelPath('digits-vit')
const by = ['--method', 'stride', '--keep', '0.7']

describe('a model that cannot be read exits with 1 before anything is written', () => {
  beforeAll(() => {
    writeFileSync(folder.at('text.onnx'), 'this is not a model, but a sentence that is long enough to be one')
    writeFileSync(folder.at('zero.onnx'), '')
    writeFileSync(folder.at('pointer.onnx'), 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n')
    writeFileSync(folder.at('short.onnx'), readFileSync(digits).subarray(0, 700_000))
    mkdirSync(folder.at('folder'))
    writeFileSync(folder.at('huge.onnx'), '')
    truncateSync(folder.at('huge.onnx'), 3 * 2 ** 30) // holes: takes no room
  })

  test.each([
    ['no file', 'missing.onnx', 'TP_FILE_NOT_FOUND', /no file that can be read/],
    ['a folder', 'folder', 'TP_FILE_NOT_FOUND', /a folder without an ONNX file in it/],
    ['not ONNX', 'text.onnx', 'TP_NOT_ONNX', /text\.onnx: not an ONNX file/],
    ['nothing', 'zero.onnx', 'TP_NOT_ONNX', /zero\.onnx: the file is empty/],
    ['a pointer', 'pointer.onnx', 'TP_NOT_ONNX', /git lfs pull/],
    [
      'cut short',
      'short.onnx',
      'TP_TRUNCATED',
      /short\.onnx: the ONNX file ends after 700000 bytes.*download or copy it again/,
    ],
    ['over 2 GiB', 'huge.onnx', 'TP_TOO_LARGE', /3\.0 GiB.*external data/],
  ])('%s', async (_, name, errorCode, message) => {
    const before = folder.files()
    for (const args of [['inspect'], ['prune', '-o', folder.at('out.onnx'), ...by], ['bench']]) {
      const { code, stdout, stderr } = await tpHere([args[0] as string, folder.at(name), ...args.slice(1)])
      expect(code).toBe(1)
      expect(stdout).toBe('')
      expect(stderr).toMatch(message)
      expect(stderr).toContain(`code: ${errorCode}`)
    }
    expect(folder.files()).toEqual(before)
  })
})

describe('a model in bfloat16 is refused with a code of its own, before any example is computed', () => {
  const mail = modelPath('mail')

  beforeAll(() => {
    mkdirSync(folder.at('bfloat16'))
    for (const name of ['config', 'tokenizer'] as const)
      copyFileSync(modelPath('mail', name), folder.at('bfloat16', `${name}.json`))
    writeFileSync(folder.at('bfloat16', 'model.onnx'), inBfloat16(readFileSync(mail)))
    writeFileSync(folder.at('mails.tsv'), 'text\tlabel\nhello\tham\nyou won\tspam\n')
    writeFileSync(folder.at('mails.txt'), 'hello\nyou won\n')
  })

  test.each([
    ['eval', '--data', 'mails.tsv'],
    ['eval', '--data', 'mails.tsv', '--methods', 'stride', '--keep', '0.7'],
    ['check', '--against', mail, '--data', 'mails.tsv'],
    ['bench'],
    ['optimize', '--data', 'mails.tsv', '-o', 'out.onnx'],
    ['explain', '--text', 'hello'],
    ['run', '--data', 'mails.txt', '-o', 'out.jsonl'],
    ['serve', '--port', '0'],
  ])('tp %s %s %s %s', async (name, ...args) => {
    const places = args.map((arg) => (/^(mails|out)\./.test(arg) ? folder.at(arg) : arg))
    const { code, stderr } = await tpHere([name, folder.at('bfloat16', 'model.onnx'), ...places])
    expect(stderr).toMatch(/bfloat16.*export the model in float32 or float16[\s\S]*code: TP_BFLOAT16/)
    expect(stderr).not.toMatch(/evaluating|Could not find an implementation/)
    expect(code).not.toBe(0)
  })

  test('tp check refuses it as the dense one, too', async () => {
    const against = folder.at('bfloat16', 'model.onnx')
    const { stderr } = await tpHere(['check', mail, '--against', against, '--data', folder.at('mails.tsv')])
    expect(stderr).toContain('code: TP_BFLOAT16')
  })
})

/** A float32 model in bfloat16: of each weight and constant the upper two bytes. */
function inBfloat16(file: Uint8Array): Uint8Array {
  const model = decodeModel(file)
  const { initializer = [], node = [] } = model.proto.graph ?? {}
  const constants = node.flatMap(({ attribute }) => attribute.flatMap(({ t }) => t ?? []))
  for (const tensor of [...initializer, ...constants]) {
    if (tensor.dataType !== 1) continue
    tensor.dataType = 16
    tensor.rawData = tensor.rawData.filter((_, i) => i % 4 >= 2)
  }
  return encodeModel(model)
}

describe('an output that cannot be written creates no files', () => {
  const prune = (out: string): string[] => ['prune', digits, '-o', out, ...by]
  const isRoot = process.getuid?.() === 0

  test.each([
    ['the model itself', () => digits, 2, 'TP_OUTPUT', /own file.*give another path/],
    ['the model through a link', () => linkTo(digits), 2, 'TP_OUTPUT', /own file.*give another path/],
    ['a folder', () => folder.at('.'), 2, 'TP_OUTPUT', /is a folder; give the path of a file/],
    ['a device', () => '/dev/full', 2, 'TP_OUTPUT', /not a regular file/],
    [
      'a folder that is missing',
      () => folder.at('no', 'such', 'out.onnx'),
      1,
      'TP_WRITE',
      /the folder \S+ does not exist; create it/,
    ],
    ['below a file', () => folder.at('below', 'out.onnx'), 1, 'TP_WRITE', /a part of the path is a file/],
    ['a name that is too long', () => folder.at(`${'x'.repeat(300)}.onnx`), 1, 'TP_WRITE', /name is too long/],
  ])('%s', async (_, out, exitCode, errorCode, message) => {
    writeFileSync(folder.at('below'), '')
    const path = out()
    const before = folder.files()
    const { code, stderr } = await tpHere(prune(path))
    expect(stderr).toMatch(message)
    expect(stderr).toContain(`code: ${errorCode}`)
    expect(code).toBe(exitCode)
    expect(folder.files()).toEqual(before)
  })

  if (isRoot) test.skip('a folder without permission (root may write everywhere)', () => {})
  else {
    test('a folder without permission', async () => {
      mkdirSync(folder.at('locked'))
      chmodSync(folder.at('locked'), 0o500)
      const { code, stderr } = await tpHere(prune(folder.at('locked', 'out.onnx')))
      expect(stderr).toMatch(/not allowed; choose another folder[\s\S]*code: TP_WRITE/)
      expect(code).toBe(1)
    })
  }

  if (canMount()) {
    test('a disk that is full', async () => {
      mkdirSync(folder.at('disk'))
      writeFileSync(folder.at('ends.txt'), '')
      // In a mount namespace of its own: the files on the disk are listed before it is gone.
      const script =
        'mount -t tmpfs -o size=512k tmpfs "$DISK" && { "$@"; code=$?; ls -A "$DISK" > "$LEFT"; exit $code; }'
      const { code, stderr } = await tp(prune(folder.at('disk', 'out.onnx')), {
        through: ['unshare', '-rm', 'sh', '-c', script, 'sh'],
        env: { DISK: folder.at('disk'), LEFT: folder.at('ends.txt') },
      })
      expect(stderr).toMatch(/out\.onnx was not written: the disk is full; make room[\s\S]*code: TP_WRITE/)
      expect(code).toBe(1)
      expect(readFileSync(folder.at('ends.txt'), 'utf8')).toBe('')
    })

    test('a disk that is read-only', async () => {
      mkdirSync(folder.at('fixed'))
      const script = 'mount -t tmpfs -o ro tmpfs "$DISK" && "$@"'
      const { code, stderr } = await tp(prune(folder.at('fixed', 'out.onnx')), {
        through: ['unshare', '-rm', 'sh', '-c', script, 'sh'],
        env: { DISK: folder.at('fixed') },
      })
      expect(stderr).toMatch(/out\.onnx was not written: that file system is read-only[\s\S]*code: TP_WRITE/)
      expect(code).toBe(1)
    })
  } else {
    test.skip('disks that are full or read-only (none can be mounted here: no user namespaces)', () => {})
  }
})

function canMount(): boolean {
  return spawnSync('unshare', ['-rm', 'sh', '-c', 'mount -t tmpfs -o size=64k tmpfs /mnt']).status === 0
}

function linkTo(path: string): string {
  const link = folder.at('link.onnx')
  if (!existsSync(link)) symlinkSync(path, link)
  return link
}
