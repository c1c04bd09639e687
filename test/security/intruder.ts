/** Somebody who reaches Temporal's frontend and has no key: what they can send there. */
import type { Client } from '@temporalio/client';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { msToTs } from '@temporalio/common/lib/time.js';
import proto from '@temporalio/proto';

const { TASK_QUEUE_KIND_NORMAL } = proto.temporal.api.enums.v1.TaskQueueKind;
const { COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION, COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK } =
  proto.temporal.api.enums.v1.CommandType;

const POLL_MS = 20_000;

export type Forged = { payloads: Payload[] };
type Failure = proto.temporal.api.failure.v1.IFailure;

/** Values as a client without a key writes them. */
export const plain = (...values: unknown[]): Forged => ({
  payloads: values.map((value) => defaultPayloadConverter.toPayload(value)),
});

/** Takes tasks from a task queue as a worker would, and answers them with what the test forges. */
export function anIntruder(client: Client, queue: string) {
  const { workflowService } = client;
  const { namespace } = client.options;
  const identity = 'intruder';
  const taskQueue = { name: queue, kind: TASK_QUEUE_KIND_NORMAL };
  const poll = <T>(ask: () => Promise<T>) => client.withDeadline(Date.now() + POLL_MS, ask);

  /** Takes activities until one of this type comes. The ones before it are lost to their workers. */
  async function take(type: string): Promise<Uint8Array> {
    for (;;) {
      const task = await poll(() =>
        workflowService.pollActivityTaskQueue({ namespace, taskQueue, identity }),
      );
      if (task.activityType?.name === type) return task.taskToken;
    }
  }

  async function answerWorkflowTask(command: proto.temporal.api.command.v1.ICommand): Promise<void> {
    const { taskToken } = await poll(() =>
      workflowService.pollWorkflowTaskQueue({ namespace, taskQueue, identity }),
    );
    const commands = [command];
    await workflowService.respondWorkflowTaskCompleted({ namespace, identity, taskToken, commands });
  }

  return {
    async complete(type: string, result: Forged | null): Promise<void> {
      const taskToken = await take(type);
      await workflowService.respondActivityTaskCompleted({ namespace, identity, taskToken, result });
    },
    async fail(type: string, failure: Failure): Promise<void> {
      const taskToken = await take(type);
      await workflowService.respondActivityTaskFailed({ namespace, identity, taskToken, failure });
    },
    /** Answers the next workflow task by ending the run with this result. */
    endRun: (result: Forged) =>
      answerWorkflowTask({
        commandType: COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION,
        completeWorkflowExecutionCommandAttributes: { result },
      }),
    /** Answers the next workflow task by scheduling an activity with this input. */
    schedule: (type: string, input: Forged) =>
      answerWorkflowTask({
        commandType: COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK,
        scheduleActivityTaskCommandAttributes: {
          ...{ activityId: 'forged', activityType: { name: type }, taskQueue, input },
          startToCloseTimeout: msToTs('15s'),
        },
      }),
  };
}
