import { expect, test } from 'vitest'
import { poolingRecipe } from './pooling-recipes.ts'

test.each([
  ['BAAI/bge-small-en-v1.5', 'class token'],
  ['/root/.cache/torch/sentence_transformers/BAAI_bge-base-en/', 'class token'],
  ['/cache/models--BAAI--bge-m3/snapshots/0123abcd', 'class token'],
  ['C:\\models\\bge-large-zh-v1.5', 'class token'],
  ['BAAI/bge-multilingual-gemma2', 'last token'],
  ['Snowflake/snowflake-arctic-embed-m-v1.5', 'class token'],
  ['mixedbread-ai/mxbai-embed-large-v1', 'class token'],
  ['mixedbread-ai/mxbai-embed-xsmall-v1', 'mean'],
  ['thenlper/gte-base', 'mean'],
  ['Alibaba-NLP/gte-base-en-v1.5', 'class token'],
  ['Alibaba-NLP/gte-Qwen2-1.5B-instruct', 'last token'],
  ['intfloat/multilingual-e5-small', 'mean'],
  ['intfloat/e5-mistral-7b-instruct', 'last token'],
  ['nomic-ai/nomic-embed-text-v1.5', 'mean'],
  ['sentence-transformers/all-MiniLM-L6-v2', 'mean'],
  ['sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2', 'mean'],
  ['sentence-transformers/multi-qa-mpnet-base-dot-v1', 'class token'],
  ['sentence-transformers/multi-qa-mpnet-base-cos-v1', 'mean'],
  ['jinaai/jina-embeddings-v2-base-en', 'mean'],
  ['Qwen/Qwen3-Embedding-0.6B', 'last token'],
])('%s is pooled by the %s', (name, of) => {
  expect(poolingRecipe([name], [])).toMatchObject({ of })
})

test.each([
  ...['BAAI/bge-reranker-base', 'TaylorAI/bge-micro-v2', 'thenlper/gte-base-zh', 'nreimers/MiniLM-L6-H384-uncased'],
  ...['bert-base-uncased', 'tmp/', '', '/home/me/bge-small-en/run-7', 'widgets5-base', 'jinaai/jina-colbert-v2'],
])('there is none for "%s"', (name) => {
  expect(poolingRecipe([name], ['BertModel'])).toBeUndefined()
})

test('the first name that has one decides, then the architecture', () => {
  expect(poolingRecipe(['my-model', 'BAAI/bge-base-en', 'intfloat/e5-base'], ['Qwen3Model'])).toEqual({
    of: 'class token',
    name: 'bge-base-en',
  })
  expect(poolingRecipe(['my-model'], ['Qwen3ForCausalLM'])).toEqual({ of: 'last token', name: 'Qwen3ForCausalLM' })
  expect(poolingRecipe([], ['NewModel'])).toMatchObject({ of: 'class token' })
  expect(poolingRecipe([], ['Qwen2VLForConditionalGeneration', 'MyNewModel'])).toBeUndefined()
})
