import { readRuntimePlugin } from '@tp/core/runtime'
import { runtimeModels, testRuntime } from '@tp/core/testing'
import { expect, test } from 'vitest'
import { exampleRuntime } from './example-runtime.ts'
import * as exported from './index.ts'

testRuntime(exampleRuntime())
testRuntime(exampleRuntime(), { threads: 1 })

test('tp --runtime finds the runtime', () => {
  expect(readRuntimePlugin(exported, 'tp-example-runtime').runtime.name).toBe('example')
})

test.each([{ worker: true }])('refuses %j, as it has no options', async (options) => {
  await expect(exampleRuntime().load(runtimeModels.sumModel, options)).rejects.toMatchObject({ code: 'TP_OPTION' })
})

test('refuses a path without a file', async () => {
  await expect(exampleRuntime().load('none.onnx')).rejects.toMatchObject({ code: 'TP_FILE_NOT_FOUND' })
})
