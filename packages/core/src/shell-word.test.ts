import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { shellWord } from './shell-word.ts'

test.each(['model.onnx', '../a b/model.onnx', "it's.onnx", '$HOME/*.onnx', 'ünder (1).onnx', ''])(
  'a shell reads %j as it was',
  (path) => {
    const { stdout } = spawnSync('sh', ['-c', `printf %s ${shellWord(path)}`], { encoding: 'utf8' })
    expect(stdout).toBe(path)
  },
)

test('a plain path stays as it is', () => {
  expect(shellWord('models/mail-1.onnx')).toBe('models/mail-1.onnx')
})
