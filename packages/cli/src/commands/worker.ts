import { runWorker } from '@tp/bulk'
import { usageError } from '../arguments/usage-error.ts'
import { wholeNumber } from '../arguments/values.ts'
import { loadMethods } from '../plugins/load-methods.ts'
import { grouped } from '../printing/numbers.ts'
import { type Command, command } from './command.ts'
import { EXIT } from './exit-code.ts'

export const workerCommand: Command = command({
  options: {
    queue: {
      type: 'string',
      value: 'URL',
      description: 'queue of shards: Valkey or Redis (redis://…) or PostgreSQL (postgres://…)',
    },
    folder: {
      type: 'string',
      value: 'FOLDER',
      description: 'the folder shared by all machines; nothing outside it is read or written; default: this one',
    },
    shards: {
      type: 'string',
      value: 's3://BUCKET/…',
      description: 'bucket where shards may be put as well, if tp run names it; default: none',
    },
    threads: {
      type: 'string',
      value: 'N',
      is: 'whole number',
      description: "threads inside one operator; default: the runtime's choice",
    },
    'lost-after': {
      type: 'string',
      value: 'SECONDS',
      description: "after this long without a sign of life, a worker's shards go to another; default 30",
    },
  },
  notes: [
    'Takes shards that tp run --queue URL puts there, of any run, until SIGINT or SIGTERM, and then ends those that it is at. It',
    'may be killed at any time. As many workers as you like, on any machine that has the folder. An example:',
    '',
    '  tp worker --queue redis://queue.example:6379 --folder /mnt/bulk',
  ],
  async run(_, { queue, folder = '.', shards: bucket, threads, 'lost-after': lostAfter }, { progress, print, signal }) {
    if (queue === undefined) throw usageError('--queue URL is missing: where shards come from')
    const [, host = queue] = /^\w+:\/\/(?:[^@/]*@)?([^/]+)/.exec(queue) ?? []
    progress.stage(`waiting for shards from ${host}`)
    let [shards, rows] = [0, 0]
    await runWorker({
      ...{ queue, folder, shards: bucket, signal },
      methods: [...(await loadMethods()).values()].map(({ entry }) => entry),
      threads: threads === undefined ? undefined : wholeNumber('threads', threads),
      lostAfter: lostAfter === undefined ? undefined : wholeNumber('lost-after', lostAfter),
      onShard(shard) {
        shards++
        rows += shard.rows
        if (shards === 1) progress.stage('computing shards')
        progress.step(shards, 0, `${grouped(rows)} rows in ${grouped(shards)}`)
      },
      onFailure: (reason) => progress.note(`a shard failed: ${reason}`),
    })
    progress.end()
    print(`computed ${grouped(rows)} rows in ${grouped(shards)} shards`)
    return EXIT.done
  },
})
