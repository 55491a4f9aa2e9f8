import { withBase } from 'vitepress'
import { type FunctionalComponent, h } from 'vue'

/** The two runs of a mail that the README shows, below the title of the home page; on phones one below the other. */
export const RunningAnimation: FunctionalComponent = () =>
  h('figure', { class: 'animation' }, [
    h('picture', [
      h('source', {
        media: '(max-width: 640px)',
        srcset: withBase('/images/pruning-narrow.svg'),
        width: 456,
        height: 635,
      }),
      h('img', {
        src: withBase('/images/pruning.svg'),
        width: 960,
        height: 473,
        fetchpriority: 'high',
        alt: 'A mail of 131 tokens, run dense and pruned. Words fade as layers prune them; the pruned run ends in half of the time with the same answer.',
      }),
    ]),
    h('figcaption', [
      'A small BERT tells spam from ham. Both runs are real, their times measured, and slowed down. ',
      h('a', { href: withBase('/demo/'), target: '_self' }, 'Try a text of your own'),
      ', in this browser.',
    ]),
  ])
