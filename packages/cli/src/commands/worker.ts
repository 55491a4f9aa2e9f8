import { runWorker } from '@tp/bulk'
import { text } from '../arguments/option.ts'
import { loadMethods } from '../plugins/load-methods.ts'
import { grouped } from '../printing/numbers.ts'
import { type Command, command } from './command.ts'

export const workerCommand: Command = command({
  options: {
    queue: text('URL', 'queue of shards: Valkey or Redis (redis://…) or PostgreSQL (postgres://…)', {
      required: 'where shards come from',
    }),
    folder: text('FOLDER', 'folder shared by all machines; default: this one; nothing outside it is read or written'),
    shards: text('s3://BUCKET/…', 'bucket of shards, if tp run names it'),
    threads: text('N', 'threads per operator; default: by the runtime', { is: 'whole number' }),
    'lost-after': text('SECONDS', 'a worker silent for this long is lost; default 30; its shards go to another', {
      is: 'whole number',
    }),
  },
  notes: [
    'Takes the shards that tp run --queue URL puts there, of any run, until SIGINT or SIGTERM, and finishes those in progress. It may',
    'be killed at any time. Start as many workers as you like, on any machines that share the folder. An example:',
    '',
    '  tp worker --queue redis://queue.example:6379 --folder /mnt/bulk',
  ],
  async run(_, { queue, folder = '.', shards: bucket, threads, 'lost-after': lostAfter }, { progress, signal }) {
    const [, host = queue] = /^\w+:\/\/(?:[^@/]*@)?([^/]+)/.exec(queue) ?? []
    progress.stage(`waiting for shards from ${host}`)
    let [shards, rows] = [0, 0]
    await runWorker({
      ...{ queue, folder, shards: bucket, threads, lostAfter, signal },
      methods: [...(await loadMethods()).values()].map(({ entry }) => entry),
      onShard(shard) {
        shards++
        rows += shard.rows
        if (shards === 1) progress.stage('computing shards')
        progress.step(shards, 0, `${grouped(rows)} rows in ${grouped(shards)}`)
      },
      onFailure: (reason) => progress.note(`a shard failed: ${reason}`),
    })
    return { content: { rows, shards }, text: `computed ${grouped(rows)} rows in ${grouped(shards)} shards` }
  },
})
