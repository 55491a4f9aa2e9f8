import { methodEntry, neg, scorer } from '@tp/core'

/** A method that needs nothing trained. */
const least = () => scorer({ name: 'least', family: 'baseline', score: (site) => neg(site.received) })

export default { contractVersion: 1, methods: [methodEntry(least, 'keeps the tokens that receive least attention')] }
