/**
 * The environment of a process that computes, in which glibc asks Linux for large pages: to touch fresh memory for the first time
 * costs a fault a page, 17 ns a float where pages are small, more than to compute it. What `env` says itself stands; other C
 * libraries do not read it.
 */
export const withLargePages = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1',
  ...env,
});
