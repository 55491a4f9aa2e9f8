import { shellWord } from '@tp/core/host'
import type { OpenModel } from '../model/open-model.ts'
import type { RouteContext } from './context.ts'

/** The answers of a model, by its task. */
const answers: Readonly<Record<OpenModel['task'], string>> = {
  classification: 'a class for each text',
  'multi-label': 'labels for each text',
  regression: 'a number for each text',
  ranking: 'a score for each text, by a query',
  embeddings: 'a vector for each text',
  tokens: 'a tag for each token',
  asr: 'states of speech',
  states: 'states',
}

const text = 'You have won a prize'
const docs = 'https://github.com/tp-pruning/tp/blob/main/docs/serving.md'
/** Anything else in a request's header would be part of a command that people copy. */
const plainHost = /^([\w.-]+|\[[\da-f:.]+\])(:\d+)?$/i

interface FrontPageOptions extends Pick<RouteContext, 'version' | 'models'> {
  /** As the client has called the server. */
  readonly host: string
  /** Where the server listens. */
  readonly port: number | undefined
}

/** Plain text for people who open the server's address: the models, and a command for each route that they answer at. */
export function frontPage({ version, models, host, port }: FrontPageOptions): string {
  const base = `http://${plainHost.test(host) ? host : `127.0.0.1:${port}`}`
  const served = [...models.values()].map(({ name, current }) => ({ name, ...current }))
  const get = (path: string): string => `curl ${shellWord(base + path)}`
  const post = (path: string, body: object): string =>
    `${get(path)} -H 'Content-Type: application/json' -d ${shellWord(JSON.stringify(body))}`
  const firstOf = (...tasks: readonly OpenModel['task'][]): string | undefined =>
    served.find(({ task, texts }) => tasks.includes(task) && typeof texts !== 'string')?.name
  const own = (model: string | undefined): object => (served.length > 1 ? { model } : {})
  const classifier = firstOf('classification', 'multi-label', 'regression')
  const [ranker, embedder] = [firstOf('ranking'), firstOf('embeddings')]
  const reader = served.find(({ texts }) => typeof texts !== 'string')?.name
  const tensor = { name: 'text', datatype: 'BYTES', shape: [1], data: [text] }
  const asks = [
    { model: classifier, path: '/predict', body: { inputs: text, ...own(classifier) } },
    { model: ranker, path: '/rerank', body: { query: 'prizes', texts: [text, 'See you on Monday'], ...own(ranker) } },
    { model: embedder, path: '/embed', body: { inputs: text, ...own(embedder) } },
    { model: embedder, path: '/v1/embeddings', body: { model: embedder, input: text } },
    { model: reader, path: `${pathOf(reader)}/infer`, body: { inputs: [tensor] } },
  ].filter(({ model }) => model !== undefined)
  const tells = [...served.map(({ name }) => pathOf(name)), '/v1/models', '/info', '/v2/health/ready', '/metrics']
  return [
    `tp ${version} serves`,
    ...served.map(({ name, task, version }) => `  ${name} (version ${version}): ${answers[task]}`),
    ...(asks.length === 0 ? [] : ['', 'Ask', ...asks.map(({ path, body }) => `  ${post(path, body)}`)]),
    ...['', 'See', ...tells.map((path) => `  ${get(path)}`)],
    ...['', `All routes: ${docs}`, ''],
  ].join('\n')
}

function pathOf(name = ''): string {
  return `/v2/models/${encodeURIComponent(name)}`
}
