import {expect, test} from 'vitest';
import {withLargePages} from '../../../src/core/base/large-pages.ts';

test("large pages are requested, unless the user has set glibc's tunables", () => {
  expect(withLargePages({HOME: '/'})).toEqual({HOME: '/', GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1'});
  expect(withLargePages({GLIBC_TUNABLES: 'glibc.malloc.hugetlb=0'})).toEqual({
    GLIBC_TUNABLES: 'glibc.malloc.hugetlb=0',
  });
});
