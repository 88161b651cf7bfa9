/** Where the images of a task's test are. */
import type {Result} from '../../core/base/result.ts';
import type {Problem} from '../../pipeline/failures.ts';
import type {StageRecord} from '../../pipeline/store/runs/record.ts';
import type {Artifacts} from './artifacts.ts';
import type {Scored} from './scores.ts';

/** The stage of the test images that were scored; undefined for an ensemble, whose members' it is. */
export function dataStageOf({stage}: Scored, artifacts: Artifacts): StageRecord | undefined {
  const embed = stage.kind === 'localize' ? stage : artifacts.maker(stage, 'test');
  return embed && artifacts.maker(embed, 'images');
}

/** The file of the test images that were scored. */
export async function imagesOf(scored: Scored, artifacts: Artifacts): Promise<Result<string, Problem> | undefined> {
  const data = dataStageOf(scored, artifacts);
  return data && artifacts.file(data, 'test.arrow');
}
