/** A search as a run's plan records it: plain JSON, from which its results can be read without any plug-in. */
import type {Json} from '../../core/base/canonical.ts';
import type {Search} from './read.ts';
import type {Condition, Parameter} from './space.ts';

export function toRecord({space, ...search}: Search): Json {
  const parameters = space.parameters.map(({name, paths, domain, when}) => ({
    name,
    paths,
    domain,
    when: when.map(({path, inside, values}) => ({path, inside, values: [...values]})),
  }));
  return JSON.parse(JSON.stringify({...search, space: {parameters}})) as Json;
}

/** `recorded`: of a plan whose checksum is right. */
export function fromRecord(recorded: Json): Search {
  const {space, ...search} = recorded as unknown as Omit<Search, 'space'> & {
    readonly space: {
      readonly parameters: readonly (Omit<Parameter, 'when'> & {
        readonly when: readonly (Omit<Condition, 'values'> & {readonly values: readonly string[]})[];
      })[];
    };
  };
  const parameters = space.parameters.map(
    ({when, domain, ...parameter}): Parameter => ({
      ...parameter,
      // A range that is continuous has no step, which JSON leaves out.
      domain: 'values' in domain ? domain : {...domain, step: domain.step},
      when: when.map(({values, ...condition}) => ({...condition, values: new Set(values)})),
    }),
  );
  return {...search, space: {parameters}};
}
