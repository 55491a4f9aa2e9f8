import { readFileSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { embeddedModel, embeddedModels, modelPath } from './embedded-models.ts'

describe.each(embeddedModels)('$name', ({ name, files, labels, summary }) => {
  test('has all its files and a model card', () => {
    for (const url of Object.values(files)) expect(statSync(fileURLToPath(url)).size).toBeGreaterThan(500)
    const card = readFileSync(new URL('README.md', files.model), 'utf8')
    for (const part of ['## Training', '## Inputs and outputs', '## Accuracy', '## Limits', 'Apache-2.0']) {
      expect(card).toContain(part)
    }
  })

  test('names its classes as its config.json does, and matches it', () => {
    const config = JSON.parse(readFileSync(files.config, 'utf8'))
    expect(labels.map((label, id) => config.id2label[id] === label)).toEqual(labels.map(() => true))
    expect(Object.keys(config.id2label)).toHaveLength(labels.length)
    expect(summary).toContain(`${config.num_hidden_layers} layers, hidden ${config.hidden_size}`)
  })

  test('finds the model by its name', () => {
    expect(embeddedModel(name).name).toBe(name)
    expect(modelPath(name)).toBe(fileURLToPath(files.model))
  })
})

test('says which name or file is missing', () => {
  expect(() => modelPath('male' as 'mail')).toThrow(
    'no embedded model "male"; there are clauses, mail, digits-vit, fashion-vit',
  )
  expect(() => modelPath('digits-vit', 'tokenizer')).toThrow('has no tokenizer file')
})
