// Drawn from the API's description by `python3 dev.py types`; a test compares.

/**
 * Why. The value is what callers see and may branch on; it never changes its meaning.
 */
export type Reason =
  | "account-disabled"
  | "address-invalid"
  | "address-of-another"
  | "address-of-group"
  | "address-refused-by-directory"
  | "address-unsupported"
  | "app-ambiguous"
  | "app-being-removed"
  | "app-disabled"
  | "app-in-use"
  | "app-missing"
  | "app-protected"
  | "app-role-missing"
  | "app-role-needed"
  | "app-template-missing"
  | "audit-missing"
  | "audit-running"
  | "authority-lost"
  | "body-invalid"
  | "body-too-large"
  | "budget-reached"
  | "cancelled"
  | "case-missing"
  | "certificate-expired"
  | "client-not-allowed"
  | "cross-tenant-blocked"
  | "directory-busy"
  | "directory-refused"
  | "domain-blocked"
  | "domain-not-allowed"
  | "dry-run-needed"
  | "duplicate-in-file"
  | "feature-off"
  | "file-empty"
  | "file-gone"
  | "file-no-address-column"
  | "file-too-large"
  | "file-unreadable"
  | "gave-up"
  | "group-dynamic"
  | "group-mail-enabled"
  | "group-management-restricted"
  | "group-microsoft-365"
  | "group-missing"
  | "group-not-offered"
  | "group-not-set-up"
  | "group-of-another"
  | "group-role-assignable"
  | "group-synced"
  | "guest-caller"
  | "guest-has-accepted"
  | "guest-missing"
  | "guest-not-visible"
  | "idempotency-key-in-flight"
  | "idempotency-key-invalid"
  | "idempotency-key-reused"
  | "import-ended"
  | "import-missing"
  | "import-under-way"
  | "internal"
  | "invitation-ended"
  | "invitation-in-flight"
  | "invitation-missing"
  | "invitation-under-way"
  | "invites-switched-off"
  | "issuer-unreachable"
  | "licence-missing"
  | "mail-not-sent"
  | "message-too-long"
  | "name-invalid"
  | "no-mail-sender"
  | "not-a-guest"
  | "not-admin"
  | "not-owner"
  | "nothing-to-retry"
  | "own-domain"
  | "own-request"
  | "owner-disabled"
  | "owner-is-guest"
  | "parameter-invalid"
  | "permission-missing"
  | "person-erased"
  | "person-missing"
  | "plan-changed"
  | "remedies-ended"
  | "remedies-missing"
  | "remedies-old"
  | "request-decided"
  | "request-missing"
  | "requests-closed"
  | "row-invalid"
  | "setup-missing"
  | "step-not-manual"
  | "stopped"
  | "storage-busy"
  | "tenant-blocked"
  | "timed-out"
  | "token-invalid"
  | "token-missing"
  | "too-many-requests"
  | "undo-too-late"
  | "verification-failed";
/**
 * How far an invitation got.
 */
export type State =
  "accepted" | "failed" | "invited" | "inviting" | "joining" | "mailed" | "mailing" | "member" | "parked" | "undone";
/**
 * May people ask to join.
 */
export type RequestPolicy = "approval" | "closed" | "open";
export type AppState = "ready" | "removing";
/**
 * Kinds of things that a setup makes in the directory.
 */
export type Kind =
  | "access-package"
  | "access-policy"
  | "application"
  | "assignment"
  | "catalog"
  | "catalog-resource"
  | "certificate"
  | "group"
  | "owner"
  | "single-sign-on";
/**
 * All templates of an app. No two have one name, whatever the case of its letters.
 */
export type Templates = {
  value?: {
    [k: string]: unknown;
  };
} & Templates1;
/**
 * One app: that of an id, or a new one by its name, by a template, or by both.
 */
export type AppBody = AppBody1 & AppBody2;
export type AppBody1 =
  | ({
      appId: string;
    } & {
      name?: null;
      template?: null;
    })
  | ({
      appId?: null;
    } & (
      | {
          name: string;
        }
      | {
          template: string;
        }
    ));
/**
 * A group that is there already, by its id, or what a new one is called.
 */
export type GroupBody = GroupBody1 & GroupBody2;
export type GroupBody1 =
  | {
      id?: null;
    }
  | {
      name?: null;
      description?: {
        [k: string]: unknown;
      };
    };
/**
 * May people ask to join.
 */
export type RequestPolicy1 = "approval" | "closed" | "open";
/**
 * How Microsoft's own self-service is set up: the blade of the admin center, which has no API, or
 * entitlement management, which has one.
 */
export type SelfService = "access-package" | "portal";
/**
 * How Microsoft's own self-service is set up: the blade of the admin center, which has no API, or
 * entitlement management, which has one.
 */
export type SelfService1 = "access-package" | "portal";
/**
 * In the order in which people read them.
 */
export type SetupStep =
  | "application"
  | "group"
  | "group-assignment"
  | "owner-assignment"
  | "owners"
  | "self-service-access"
  | "self-service-groups"
  | "single-sign-on"
  | "verify";
export type SetupState = "done" | "failed" | "running" | "waiting-for-person";
/**
 * How far a step is. `waiting` and `ready` are both an open record: which one, the others decide.
 */
export type StepState = "done" | "failed" | "manual" | "ready" | "waiting";
export type CheckState = "attention" | "ok" | "unknown" | "wrong";
/**
 * What Guestlist may do about a finding, by the names that `shared.core.audit_rules.Remedy` has them under.
 */
export type Remedy = "block" | "delete" | "notify-owner" | "remove" | "report" | "resend";
/**
 * The value is what people filter by and policy names; it never changes its meaning.
 */
export type Rule =
  | "account-disabled"
  | "account-missing"
  | "app-missing"
  | "certificate-ends"
  | "domain-blocked"
  | "duplicate-person"
  | "group-dynamic"
  | "group-missing"
  | "group-not-assigned"
  | "group-role-assignable"
  | "group-synced"
  | "guest-not-invited"
  | "membership-expired"
  | "membership-missing"
  | "nested-group"
  | "never-redeemed"
  | "no-owner"
  | "no-sign-in"
  | "one-owner"
  | "owner-guest"
  | "owner-left"
  | "setup-drift"
  | "sign-in-unknown"
  | "sign-on-off"
  | "stuck-work";
/**
 * Whose data: by mail address, by object id of the account, or by both.
 */
export type PersonBody = PersonBody1 & PersonBody2;
export type PersonBody1 =
  | {
      address: string;
    }
  | {
      userId: string;
    };
/**
 * `refused`: work for the person is under way, and nothing was changed. `gone`: what was found was deleted
 * again, as it was kept long enough.
 */
export type SubjectRequestState = "done" | "gone" | "refused" | "running";
/**
 * The same; without `confirm` nothing is erased, and the answer tells what would be.
 */
export type ErasureBody = ErasureBody1 & ErasureBody2;
export type ErasureBody1 =
  | {
      address: string;
    }
  | {
      userId: string;
    };
/**
 * How ready the whole is.
 */
export type Status = "degraded" | "not-ready" | "ready";
/**
 * Whether something that has to come again and again still comes.
 */
export type Beat = "late" | "ok" | "starting" | "unknown";
/**
 * A part of Guestlist. The value is what `GUESTLIST_FEATURES` and the API call it.
 */
export type Feature =
  "access-packages" | "audits" | "inviting" | "mailbox" | "remedies" | "setup" | "sign-ins" | "undo";

/**
 * Every schema of the description, by its name.
 */
export interface Schemas {
  Problem: Problem;
  Reason: Reason;
  SignIn: SignIn;
  Me: Me;
  Groups: Groups;
  Group: Group;
  GroupApp: GroupApp;
  Template: Template;
  Guests: Guests;
  Guest: Guest;
  ExpiryBody: ExpiryBody;
  Expiry: Expiry;
  MailPreviewBody: MailPreviewBody;
  MailPreview: MailPreview;
  InvitationBody: InvitationBody;
  InvitationTaken: InvitationTaken;
  Invitation: Invitation;
  State: State;
  Person: Person;
  Invitations: Invitations;
  ImportPreview: ImportPreview;
  PreviewCounts: PreviewCounts;
  PreviewRow: PreviewRow;
  Pace: Pace;
  Import: Import;
  Imports: Imports;
  ImportUndo: ImportUndo;
  RequestBody: RequestBody;
  Asked: Asked;
  Requests: Requests;
  Request: Request;
  Decider: Decider;
  ProofBody: ProofBody;
  ProofResult: ProofResult;
  DecisionBody: DecisionBody;
  Apps: Apps;
  App: App;
  AppPolicy: AppPolicy;
  RequestPolicy: RequestPolicy;
  AppState: AppState;
  AppRemoval: AppRemoval;
  Change: Change;
  Kind: Kind;
  AppRemoving: AppRemoving;
  Inviters: Inviters;
  Templates: Templates;
  Diagnosis: Diagnosis;
  DiagnosedCheck: DiagnosedCheck;
  SetupBody: SetupBody;
  AppBody: AppBody;
  GroupBody: GroupBody;
  SingleSignOnBody: SingleSignOnBody;
  PolicyBody: PolicyBody;
  SelfService: SelfService1;
  SetupDryRun: SetupDryRun;
  DryRunStep: DryRunStep;
  SetupStep: SetupStep;
  Task: Task;
  TaskValue: TaskValue;
  SetupChecklist: SetupChecklist;
  SetupState: SetupState;
  WantedApp: WantedApp;
  SetupFound: SetupFound;
  SetupApp: SetupApp;
  SetupGroup: SetupGroup;
  SetupRole: SetupRole;
  Step: Step;
  StepState: StepState;
  StepConfirmation: StepConfirmation;
  Check: Check;
  CheckState: CheckState;
  Setups: Setups;
  ShortSetup: ShortSetup;
  ConfirmBody: ConfirmBody;
  RetryBody: RetryBody;
  Audit: Audit;
  Audits: Audits;
  Findings: Findings;
  Finding: Finding;
  Plans: Plans;
  Plan: Plan;
  Remedies: Remedies;
  Action: Action;
  Policy: Policy;
  Rule: Rule;
  Remedy: Remedy;
  ChangeLog: ChangeLog;
  ChangeLogEntry: ChangeLogEntry;
  PersonBody: PersonBody;
  Taken: Taken;
  SubjectRequestState: SubjectRequestState;
  Export: Export;
  SubjectSelector: SubjectSelector;
  Count: Count;
  Place: Place;
  Record: Record;
  ErasureBody: ErasureBody;
  Erasure: Erasure;
  Kept: Kept;
  Stop: Stop;
  StopBody: StopBody;
  Table: Table;
  ReasonRow: ReasonRow;
  StateRow: StateRow;
  Health: Health;
  Ready: Ready;
  Status: Status;
  Part: Part;
  BeatAnswer: BeatAnswer;
  Beat: Beat;
  FeatureReadiness: FeatureReadiness;
  Feature: Feature;
  MissingPermission: MissingPermission;
}
/**
 * Why a request was refused, and what a person can do. `invitation` names the one that is under way, and
 * `until` says from when on a repeat may succeed.
 */
export interface Problem {
  detail: string;
  field?: string;
  invitation?: string;
  reason: Reason;
  remedy: string;
  requestId?: string;
  status: number;
  title: string;
  type: string;
  until?: string;
}
/**
 * Where to get a token for this API.
 */
export interface SignIn {
  authority: string;
  tenantId: string;
  audience: string;
  scope: string;
  clientId: string | null;
}
/**
 * GET /api/me: who the access token says the caller is.
 */
export interface Me {
  id: string;
  name: string;
  roles: string[];
  isAdmin: boolean;
  isAuditor: boolean;
  may: string[];
}
/**
 * Groups by name.
 */
export interface Groups {
  value: Group[];
}
/**
 * A group as its owner sees it.
 */
export interface Group {
  id: string;
  name: string;
  role: string;
  may: string[];
  apps: GroupApp[];
  canInvite: boolean;
  reason: string | null;
  title: string | null;
  remedy: string | null;
  isSetUp: boolean;
  appId: string | null;
  requests: string;
  requestPage: string | null;
  allowedDomains: string[];
  blockedDomains: string[];
  templates: Template[];
  messageLimit: number;
  sendsOwnMail: boolean;
  directLink: string | null;
}
/**
 * An app that members of a group get into. The id is null where only the name is known.
 */
export interface GroupApp {
  appId: string | null;
  name: string;
  directLink: string | null;
}
/**
 * A welcome message to start from; it may hold {guest}, {app} and {inviter}.
 */
export interface Template {
  name: string;
  text: string;
}
/**
 * Guests of a group; `nextLink` is there while there are more. `lastSignIn` is "unknown" where permission or
 * licence do not let sign-ins be read.
 */
export interface Guests {
  value: Guest[];
  nextLink: string | null;
  lastSignIn: string;
}
/**
 * A guest who is a member of a group. `redemption` is the directory's word on whether the invitation was
 * accepted, null where it has none.
 */
export interface Guest {
  userId: string;
  name: string;
  address: string | null;
  redemption: string | null;
  since: string | null;
  createdAt: string | null;
  enabled: boolean;
  lastSignInAt: string | null;
  expires: string | null;
}
/**
 * PUT /api/groups/{groupId}/guests/{userId}/expiry: the last day of the membership, null for none.
 */
export interface ExpiryBody {
  expires: string | null;
}
/**
 * The last day of a guest's membership.
 */
export interface Expiry {
  userId: string;
  expires: string | null;
}
/**
 * POST /api/groups/{groupId}/mail-preview.
 */
export interface MailPreviewBody {
  address?: string | null;
  displayName?: string | null;
  welcomeMessage?: string | null;
  language?: string | null;
}
/**
 * The mail that a guest would get. Microsoft's own has no text that could be shown.
 */
export interface MailPreview {
  from: string;
  subject: string;
  text: string;
  html: string | null;
}
/**
 * POST /api/groups/{groupId}/invitations: one guest.
 */
export interface InvitationBody {
  address: string;
  displayName?: string | null;
  welcomeMessage?: string | null;
  language?: string | null;
  expires?: string | null;
  resend?: boolean;
}
/**
 * The answer to an invitation that was taken: look at it under its address.
 */
export interface InvitationTaken {
  id: string;
  state?: "accepted";
}
/**
 * One invitation. Absent values are null, times are RFC 3339 in UTC; `redeemLink` is the address that accepts
 * it, `directLink` the one that opens the app.
 */
export interface Invitation {
  id: string;
  groupId: string;
  address: string;
  displayName: string | null;
  state: State;
  meaning: string;
  isFinal: boolean;
  reason: Reason | null;
  title: string | null;
  detail: string | null;
  remedy: string | null;
  alreadyInDirectory: boolean;
  alreadyMember: boolean;
  appName: string;
  directLink: string;
  redeemLink: string | null;
  welcomeMessage: string | null;
  language: string | null;
  expires: string | null;
  resend: boolean;
  importId: string | null;
  line: number | null;
  invitedBy: Person;
  userId: string | null;
  createdAt: string;
  updatedAt: string;
}
/**
 * Somebody of the directory, by object id.
 */
export interface Person {
  id: string;
  name: string;
}
/**
 * Invitations of a group, the newest first; `nextLink` is there while there are more.
 */
export interface Invitations {
  value: Invitation[];
  nextLink: string | null;
}
/**
 * What an import would do. `first` has the first rows of each outcome that occurs.
 */
export interface ImportPreview {
  rows: number;
  counts: PreviewCounts;
  first: {
    [k: string]: PreviewRow[];
  };
  notes: string[];
  pace: Pace;
}
/**
 * How many guests of each outcome.
 */
export interface PreviewCounts {
  new: number;
  inDirectory: number;
  member: number;
  duplicate: number;
  invalid: number;
  blocked: number;
  notLookedUp: number;
}
/**
 * A row of an outcome.
 */
export interface PreviewRow {
  line: number;
  address: string;
  what: string;
}
/**
 * How fast an import would go, and how long it would take.
 */
export interface Pace {
  guestsPerMinute: number;
  guestsToday: number;
  guestsPerDay: number;
  estimatedSeconds: number;
  said: string;
}
/**
 * An import and how far it is. `rows` are those read so far; `counts` are by state of the invitations, with
 * `invalid` for rows that cannot be used; `reasons` counts what was refused, failed or parked. `waitsFor`
 * says as well why Guestlist paused it; whoever is `resumedBy` answers for what is done from then on.
 */
export interface Import {
  id: string;
  groupId: string;
  fileName: string;
  state: string;
  rows: number;
  allRead: boolean;
  counts: {
    [k: string]: number;
  };
  reasons: {
    [k: string]: number;
  };
  done: number;
  guestsPerSecond: number | null;
  secondsLeft: number | null;
  waitsFor: string | null;
  createdAt: string;
  createdBy: Person;
  resumedBy: Person | null;
  startedAt: string;
  finishedAt: string | null;
  undoUntil: string;
  notes: string[];
}
/**
 * The imports of a group, the newest first.
 */
export interface Imports {
  value: Import[];
}
/**
 * What an undo would do: memberships removed, guests deleted, guests kept because they came or have more.
 */
export interface ImportUndo {
  memberships: number;
  guests: number;
  kept: number;
  until: string;
}
/**
 * POST /api/groups/{groupId}/requests: somebody asks to join.
 */
export interface RequestBody {
  address: string;
  displayName?: string | null;
  reason?: string | null;
  language?: string | null;
}
/**
 * The answer to everybody who asks.
 */
export interface Asked {
  message: string;
}
/**
 * Join requests of a group, the newest first; `nextLink` is there while there are more.
 */
export interface Requests {
  value: Request[];
  nextLink: string | null;
}
/**
 * A join request as those see it who decide.
 */
export interface Request {
  id: string;
  groupId: string;
  address: string;
  displayName: string | null;
  reasonGiven: string | null;
  state: string;
  meaning: string;
  requestedAt: string;
  verifiedAt: string | null;
  expiresAt: string;
  decidedAt: string | null;
  decidedBy: Decider | null;
  note: string | null;
  invitationId: string | null;
  reason: string | null;
  title: string | null;
  detail: string | null;
  remedy: string | null;
}
/**
 * Who decided; the id is null where the app's policy did.
 */
export interface Decider {
  id: string | null;
  name: string;
}
/**
 * POST /api/groups/{groupId}/requests/{requestId}/proof: the code of the mail.
 */
export interface ProofBody {
  code: string;
}
/**
 * How far a request is, for whoever has its code. With `usedBefore` the code came before, and nothing happened
 * now.
 */
export interface ProofResult {
  state: string;
  meaning: string;
  usedBefore: boolean;
}
/**
 * POST …/approve and …/decline: a note for whoever asked.
 */
export interface DecisionBody {
  note?: string | null;
}
/**
 * Apps that are set up.
 */
export interface Apps {
  value: App[];
}
/**
 * An app that is set up.
 */
export interface App {
  appId: string;
  name: string;
  servicePrincipalId: string;
  groupId: string;
  groupName: string;
  owners: Person[];
  policy: AppPolicy;
  inviters: string[];
  directLink: string;
  setupId: string;
  state: AppState;
  updatedAt: string;
}
/**
 * Who may ask to join, who decides, and whose guests are admitted.
 */
export interface AppPolicy {
  requests: RequestPolicy;
  approvers: Person[];
  allowedDomains: string[];
  blockedDomains: string[];
}
/**
 * What removing an app would remove and leave.
 */
export interface AppRemoval {
  wouldRemove: Change[];
  wouldKeep: string[];
}
/**
 * Something that was made or set in the directory: its kind, its object id and a person's words for it.
 */
export interface Change {
  kind: Kind;
  id: string;
  what: string;
}
/**
 * An app that is being removed.
 */
export interface AppRemoving {
  appId: string;
  state?: "removing";
}
/**
 * All apps that may invite into the group of an app, by the object ids of their enterprise applications.
 */
export interface Inviters {
  /**
   * @maxItems 50
   */
  value: string[];
}
export interface Templates1 {
  value: Template[];
}
/**
 * What is missing, and how to fix it.
 */
export interface Diagnosis {
  checks: DiagnosedCheck[];
}
/**
 * One thing that was examined, with the link or the command that fixes it.
 */
export interface DiagnosedCheck {
  check: string;
  state: "attention" | "missing" | "ok" | "unknown";
  found: string;
  title: string;
  detail: string;
  remedy: string | null;
  link: string | null;
  command: string | null;
}
/**
 * POST /api/setups.
 */
export interface SetupBody {
  app: AppBody;
  /**
   * @minItems 1
   * @maxItems 20
   */
  owners: [string, ...string[]];
  group?: GroupBody;
  appRole?: string | null;
  singleSignOn?: SingleSignOnBody | null;
  policy?: PolicyBody;
  selfService?: SelfService;
}
export interface AppBody2 {
  appId?: string | null;
  name?: string | null;
  template?: string | null;
}
export interface GroupBody2 {
  id?: string | null;
  name?: string | null;
  description?: string | null;
  takeOver?: boolean;
}
/**
 * SAML; other modes are the app's own business.
 */
export interface SingleSignOnBody {
  mode: string;
  /**
   * @minItems 1
   * @maxItems 50
   */
  identifiers: [string, ...string[]];
  /**
   * @minItems 1
   * @maxItems 50
   */
  replyUrls: [string, ...string[]];
  signOnUrl?: string | null;
  /**
   * @maxItems 50
   */
  notificationEmails?: string[];
}
export interface PolicyBody {
  requests?: RequestPolicy1;
  /**
   * @maxItems 10
   */
  approvers?: string[];
  /**
   * @maxItems 50
   */
  allowedDomains?: string[];
  /**
   * @maxItems 50
   */
  blockedDomains?: string[];
}
/**
 * What each step of a setup would do.
 */
export interface SetupDryRun {
  steps: DryRunStep[];
}
/**
 * What a step would do, or why it cannot.
 */
export interface DryRunStep {
  step: SetupStep;
  title: string;
  wouldDo: string[];
  alreadyDone: string[];
  notes: string[];
  manual: boolean;
  manualTask: Task | null;
  reason: Reason | null;
  titleOfReason: string | null;
  detail: string | null;
  remedy: string | null;
}
/**
 * What a person must do by hand, and exactly where.
 */
export interface Task {
  title: string;
  instructions: string[];
  link: string;
  values: TaskValue[];
}
/**
 * A value that a person has to enter.
 */
export interface TaskValue {
  name: string;
  value: string;
}
/**
 * A setup: the checklist.
 */
export interface SetupChecklist {
  id: string;
  state: SetupState;
  app: WantedApp;
  found: SetupFound;
  createdAt: string;
  createdBy: Person;
  steps: Step[];
}
/**
 * The app as the setup names it.
 */
export interface WantedApp {
  appId: string | null;
  name: string | null;
  template: string | null;
}
/**
 * What the steps have found so far.
 */
export interface SetupFound {
  app: SetupApp | null;
  group: SetupGroup | null;
  owners: Person[];
  appRole: SetupRole | null;
}
/**
 * The app as it was found.
 */
export interface SetupApp {
  appId: string;
  name: string;
}
/**
 * The group as it was found or made.
 */
export interface SetupGroup {
  id: string;
  name: string;
}
/**
 * The role that guests get in the app.
 */
export interface SetupRole {
  id: string;
  name: string;
}
/**
 * One step of a setup.
 */
export interface Step {
  step: SetupStep;
  title: string;
  state: StepState;
  after: SetupStep[];
  startedAt: string | null;
  finishedAt: string | null;
  attempts: number;
  changes: Change[];
  notes: string[];
  manualTask: Task | null;
  confirmedBy: StepConfirmation | null;
  checks: Check[];
  reason: Reason | null;
  titleOfReason: string | null;
  detail: string | null;
  remedy: string | null;
}
/**
 * Who said that a manual task is done.
 */
export interface StepConfirmation {
  id: string;
  name: string;
  at: string;
  note: string | null;
}
/**
 * One thing that was looked at: what, whether it is as it should be, and what was found.
 */
export interface Check {
  check: string;
  state: CheckState;
  found: string;
}
/**
 * Setups in short, the newest first.
 */
export interface Setups {
  value: ShortSetup[];
}
/**
 * A setup without its steps.
 */
export interface ShortSetup {
  id: string;
  state: SetupState;
  app: WantedApp;
  found: SetupFound;
  createdAt: string;
  createdBy: Person;
}
/**
 * POST /api/setups/{id}/steps/{step}/confirm.
 */
export interface ConfirmBody {
  note?: string | null;
}
/**
 * POST /api/setups/{id}/retry: the answer to what a failed step asked.
 */
export interface RetryBody {
  appRole?: string | null;
  appId?: string | null;
}
/**
 * A run of the audit. `state` is reading, loading-history, evaluating or planning while it runs, then done or
 * failed.
 * Counts are there when it is done.
 */
export interface Audit {
  id: string;
  state: string;
  startedAt: string;
  startedBy: string;
  endedAt: string | null;
  apps: number;
  isFull: boolean;
  findings: number | null;
  bySeverity: {
    [k: string]: number;
  };
  byRule: {
    [k: string]: number;
  };
  detail: string | null;
  report: string;
  csv: string;
}
/**
 * Audits, the newest first; `nextLink` is there while there are more.
 */
export interface Audits {
  value: Audit[];
  nextLink: string | null;
}
/**
 * Findings, the worst first; `nextLink` is there while there are more. `auditId` is null where there was no audit
 * yet.
 */
export interface Findings {
  auditId: string | null;
  value: Finding[];
  nextLink: string | null;
}
/**
 * One rule that one guest, owner, group, app or work breaks. `subject` is its object id; `seenSince` is when an
 * audit first saw it.
 */
export interface Finding {
  id: string;
  severity: string;
  rule: string;
  title: string;
  explanation: string;
  advice: string;
  subject: string;
  name: string;
  address: string | null;
  detail: string;
  groupId: string | null;
  groupName: string;
  appId: string | null;
  appName: string;
  seenSince: string;
}
/**
 * What an audit means to do in each app.
 */
export interface Plans {
  value: Plan[];
}
/**
 * What an audit means to do, or has done, in one app: `planned` waits for an administrator because policy asks
 * for a dry run, `held` because it would touch too many guests.
 */
export interface Plan {
  auditId: string;
  appId: string;
  appName: string;
  groupId: string;
  state: string;
  touched: number;
  guests: number;
  since: string;
  by: string;
  detail: string | null;
}
/**
 * A plan and its actions, the strongest remedies first; `nextLink` is there while there are more.
 */
export interface Remedies {
  plan: Plan;
  value: Action[];
  nextLink: string | null;
}
/**
 * One remedy for one guest, or a mail to one owner. `requestId` is Microsoft Graph's.
 */
export interface Action {
  id: string;
  remedy: string;
  rule: string;
  userId: string;
  name: string;
  address: string | null;
  state: string;
  at: string | null;
  before: string | null;
  after: string | null;
  detail: string | null;
  requestId: string | null;
}
/**
 * What audits do about an app's findings. `remedies` names a remedy for a rule; `autoApply` false means that they
 * are planned only. `maxGuests` and `maxPercent` are what one audit may touch. With `skipGuestsWithOtherAccess`
 * nobody is touched who has another group, app or a directory role; who holds a role is never blocked or deleted. An
 * invitation is sent again after `resendAfterDays` at the soonest.
 */
export interface Policy {
  remedies?: {
    [k: string]: Remedy;
  };
  autoApply?: boolean;
  maxGuests?: number;
  maxPercent?: number;
  skipGuestsWithOtherAccess?: boolean;
  resendAfterDays?: number;
}
/**
 * The trail, the newest first; `nextLink` is there while there is more.
 */
export interface ChangeLog {
  value: ChangeLogEntry[];
  nextLink: string | null;
}
/**
 * A change of the directory outside of inviting: by which person or rule, what was before and after.
 */
export interface ChangeLogEntry {
  at: string;
  who: string;
  what: string;
  userId: string;
  name: string;
  groupId: string | null;
  appId: string | null;
  before: string;
  after: string;
  auditId: string | null;
  rule: string | null;
  requestId: string | null;
}
export interface PersonBody2 {
  address?: string | null;
  userId?: string | null;
}
/**
 * An export or an erasure that has begun: look at it under its address.
 */
export interface Taken {
  id: string;
  state: SubjectRequestState;
}
/**
 * An export. `data` is there when it is done, until `keptUntil`; `mentionedAt` are places where other people's
 * words name the person: whether these are the person's data is for a person to judge.
 */
export interface Export {
  id: string;
  state: SubjectRequestState;
  askedAt: string;
  askedBy: string;
  endedAt: string | null;
  keptUntil: string | null;
  waitsFor: string | null;
  person: SubjectSelector | null;
  found: Count[];
  mentionedAt: string[];
  data: Place[] | null;
}
/**
 * Who it was found to be about: check that it is one person.
 */
export interface SubjectSelector {
  addresses: string[];
  userIds: string[];
}
/**
 * How much was found: where, what, and the person's role in it.
 */
export interface Count {
  where: string;
  what: string;
  role: string;
  count: number;
}
/**
 * All that is kept in one table, or in the files of imports.
 */
export interface Place {
  where: string;
  records: Record[];
}
/**
 * One thing that is kept: what it is, the person's role in it, and what it holds. `labels` are
 * the fields' names in plain words.
 */
export interface Record {
  what: string;
  role: string;
  fields: {};
  labels: {
    [k: string]: string;
  };
}
export interface ErasureBody2 {
  address?: string | null;
  userId?: string | null;
  confirm?: boolean;
}
/**
 * An erasure, or with `isDryRun` what one would do. `underWay` is work that was going on: where the state is
 * `refused` nothing was changed for it. `kept` says what is left without the person, `elsewhere` what Guestlist
 * does not have.
 */
export interface Erasure {
  id: string;
  state: SubjectRequestState;
  askedAt: string;
  askedBy: string;
  endedAt: string | null;
  keptUntil: string | null;
  waitsFor: string | null;
  person: SubjectSelector | null;
  found: Count[];
  mentionedAt: string[];
  isDryRun: boolean;
  underWay: string[];
  kept: Kept[];
  elsewhere: string[];
}
/**
 * What is left of something after an erasure, without the person, and why.
 */
export interface Kept {
  what: string;
  kept: string;
}
/**
 * Whether everything that sends or changes is parked, and since when.
 */
export interface Stop {
  isStopped: boolean;
  since: string | null;
  reason: string | null;
}
/**
 * POST /api/stop: why, which everybody who is signed in may read.
 */
export interface StopBody {
  reason?: string | null;
}
/**
 * All reasons, and all states of invitations.
 */
export interface Table {
  reasons: ReasonRow[];
  states: StateRow[];
}
/**
 * A reason, the status of a request refused for it, and what a person can do.
 */
export interface ReasonRow {
  reason: Reason;
  status: number;
  title: string;
  remedy: string;
}
/**
 * A state of invitations, and those that may follow it.
 */
export interface StateRow {
  state: State;
  meaning: string;
  followedBy: State[];
}
/**
 * The app is alive, with settings that can be read.
 */
export interface Health {
  status?: "ok";
}
/**
 * Whether the app can do its work. `degraded`: a feature that is on lacks a permission, inviting does not.
 * `sweep` is the timer that repairs what has stalled; `roundTrip` a message that each sweep sends through a queue,
 * with the time at which the newest that came back was sent. Either makes the app not ready where it is late.
 */
export interface Ready {
  status: Status;
  checkedAt: string;
  storage: Part;
  token: Part;
  sweep: BeatAnswer;
  roundTrip: BeatAnswer;
  features: FeatureReadiness[];
}
/**
 * Something that nothing works without.
 */
export interface Part {
  status: "failed" | "ok";
  detail: string | null;
}
/**
 * Something that comes again and again. `at` is when it last did, `ageSeconds` how long that was ago when it was
 * looked at; both are null where it never came (`starting`: a fresh installation, until its first sweep) and where
 * storage does not answer (`unknown`).
 */
export interface BeatAnswer {
  status: Beat;
  at: string | null;
  ageSeconds: number | null;
  detail: string | null;
}
/**
 * One feature. `unknown`: there is no token to read permissions from.
 */
export interface FeatureReadiness {
  feature: Feature;
  status: "missing" | "off" | "ready" | "unknown";
  missing: MissingPermission[];
}
/**
 * A permission that is not held, and what cannot be done for want of it.
 */
export interface MissingPermission {
  permission: string;
  purpose: string;
}
