package checkpoints_test

import (
	"context"
	"testing"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints"
)

// The wire cases of orders, agents, organizations, projects and migrations.

func orderCases() []wireCase {
	return []wireCase{
		{
			operation: "Vaults.Order", path: "/vaults/order", body: "vaults_order.request",
			call: func(ctx context.Context, t *testing.T, c *checkpoints.Client) (any, error) {
				return c.Vaults.Order(ctx, given[checkpoints.VaultOrder](t, "vaults_order.request", "vault"))
			},
			answer: "vaults_order.answer", refusal: invalid,
		},
		{
			operation: "Vaults.ChangeChargeMode", path: "/vaults/change-charge-mode", body: "vaults_change_charge_mode.request",
			call: func(ctx context.Context, t *testing.T, c *checkpoints.Client) (any, error) {
				return c.Vaults.ChangeChargeMode(ctx, given[checkpoints.ChangeToPeriod](t, "vaults_change_charge_mode.request", ""))
			},
			answer: "vaults_change_charge_mode.answer", refusal: gone,
		},
		{
			operation: "Orders.Change", path: "/orders/change", body: "orders_change.request",
			call: func(ctx context.Context, t *testing.T, c *checkpoints.Client) (any, error) {
				return c.Orders.Change(ctx, given[checkpoints.OrderChange](t, "orders_change.request", ""))
			},
			answer: "orders_change.answer", refusal: invalid,
		},
		{
			operation: "Orders.Update", path: "/orders/CS7310", body: "orders_update.request",
			call: func(ctx context.Context, t *testing.T, c *checkpoints.Client) (any, error) {
				return c.Orders.Update(ctx, "CS7310", given[checkpoints.OrderUpdate](t, "orders_update.request", ""))
			},
			answer: "orders_update.answer", refusal: gone,
		},
	}
}

func agentCases() []wireCase {
	return []wireCase{
		{
			operation: "Agents.Check", path: "/agent/check", body: "agents_check.request",
			call: func(ctx context.Context, t *testing.T, c *checkpoints.Client) (any, error) {
				return c.Agents.Check(ctx, given[[]checkpoints.AgentCheck](t, "agents_check.request", "agent_status"))
			},
			answer: "agents_check.answer", member: "agent_status", refusal: invalid,
		},
		{
			operation: "Agents.List", kind: "every parameter", path: "/agents",
			query: []string{"agent_id=a&agent_id=b", "limit=7", "offset=3", "status=abnormal"},
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return collect(c.Agents.List(ctx, everyAgentParameter()))
			},
			answer: "agents_list.answer", member: "agents", refusal: forbidden,
		},
		{
			operation: "Agents.Get", path: "/agents/a-1",
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return c.Agents.Get(ctx, "a-1")
			},
			answer: "agents_get.answer", member: "agent", refusal: gone,
		},
		{
			operation: "Agents.Register", path: "/agents", body: "agents_register.request",
			call: func(ctx context.Context, t *testing.T, c *checkpoints.Client) (any, error) {
				return c.Agents.Register(ctx, given[checkpoints.AgentCreate](t, "agents_register.request", "agent"))
			},
			answer: "agents_register.answer", member: "agent", refusal: invalid,
		},
		{
			operation: "Agents.Update", path: "/agents/a-1", body: "agents_update.request",
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return c.Agents.Update(ctx, "a-1", checkpoints.AgentUpdate{Status: checkpoints.AgentStatusUninstall})
			},
			answer: "agents_update.answer", member: "agent", refusal: gone,
		},
		{
			operation: "Agents.Remove", path: "/agents/a-1",
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return done(c.Agents.Remove(ctx, "a-1"))
			},
			refusal: gone,
		},
		{
			operation: "Agents.AddPaths", path: "/agents/a-1/add-path", body: "agents_add_paths.request",
			call: func(ctx context.Context, t *testing.T, c *checkpoints.Client) (any, error) {
				return c.Agents.AddPaths(ctx, "a-1", given[checkpoints.AddPaths](t, "agents_add_paths.request", ""))
			},
			answer: "agents_add_paths.answer", refusal: gone,
		},
		{
			operation: "Agents.RemovePaths", path: "/agents/a-1/remove-path", body: "agents_remove_paths.request",
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return c.Agents.RemovePaths(ctx, "a-1", []string{"/etc"})
			},
			answer: "agents_remove_paths.answer", refusal: gone,
		},
	}
}

func everyAgentParameter() checkpoints.AgentQuery {
	return checkpoints.AgentQuery{Status: checkpoints.AgentStatusAbnormal, AgentIDs: []string{"a", "b"}, Limit: 7, Offset: 3}
}

func organizationCases() []wireCase {
	return []wireCase{
		{
			operation: "OrganizationPolicies.Create", path: "/organization-policies", body: "organization_policies_create.request",
			call: func(ctx context.Context, t *testing.T, c *checkpoints.Client) (any, error) {
				policy := given[checkpoints.OrganizationPolicyCreate](t, "organization_policies_create.request", "policy")
				poller, err := c.OrganizationPolicies.Create(drkit.WithoutNote(ctx), policy)
				return ended(ctx, poller, err)
			},
			answer: "organization_policies_create.answer", member: "policy", refusal: full,
		},
		{
			operation: "OrganizationPolicies.List", kind: "every parameter", path: "/organization-policies",
			query: []string{"limit=7", "offset=3", "operation_type=backup"},
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return collect(c.OrganizationPolicies.List(ctx, everyOrganizationParameter()))
			},
			answer: "organization_policies_list.answer", member: "policies", refusal: forbidden,
		},
		{
			operation: "OrganizationPolicies.Get", path: "/organization-policies/o-1",
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return c.OrganizationPolicies.Get(ctx, "o-1")
			},
			answer: "organization_policies_get.answer", member: "policy", refusal: gone,
		},
		{
			operation: "OrganizationPolicies.Update", path: "/organization-policies/o-1", body: "organization_policies_update.request",
			call: func(ctx context.Context, t *testing.T, c *checkpoints.Client) (any, error) {
				update := given[checkpoints.OrganizationPolicyUpdate](t, "organization_policies_update.request", "policy")
				return c.OrganizationPolicies.Update(ctx, "o-1", update)
			},
			answer: "organization_policies_update.answer", member: "policy", refusal: invalid,
		},
		{
			operation: "OrganizationPolicies.Delete", path: "/organization-policies/o-1",
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return done(c.OrganizationPolicies.Delete(ctx, "o-1"))
			},
			refusal: gone,
		},
		{
			operation: "OrganizationPolicies.Deployments", kind: "every parameter", path: "/organization-policies/o-1/policy-detail",
			query: []string{"limit=7", "offset=3"},
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return collect(c.OrganizationPolicies.Deployments(ctx, "o-1", checkpoints.DeploymentQuery{Limit: 7, Offset: 3}))
			},
			answer: "organization_policies_deployments.answer", member: "policies", refusal: gone,
		},
		{
			operation: "Projects.List", path: "/v3/region-projects",
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return c.Projects.List(ctx)
			},
			answer: "projects_list.answer", member: "projects", refusal: forbidden,
		},
		{
			operation: "Projects.OfDomain", path: "/v3/domain/orchard%20keepers/projects",
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return c.Projects.OfDomain(ctx, "orchard keepers")
			},
			answer: "projects_of_domain.answer", member: "projects", refusal: gone,
		},
		{
			operation: "Projects.Domain", path: "/v3/domain/" + otherProject,
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return c.Projects.Domain(ctx, otherProject)
			},
			answer: "projects_domain.answer", refusal: gone,
		},
		{
			operation: "Migrations.Start", path: "/v3/migrates", body: "migrations_start.request",
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return c.Migrations.Start(ctx, checkpoints.MigrationStart{AllRegions: true, Reservation: 0.25})
			},
			answer: "migrations_start.answer", refusal: forbidden,
		},
		{
			operation: "Migrations.Get", kind: "every parameter", path: "/v3/migrates", query: []string{"all_regions=true"},
			call: func(ctx context.Context, _ *testing.T, c *checkpoints.Client) (any, error) {
				return c.Migrations.Get(ctx, checkpoints.MigrationQuery{AllRegions: drkit.Some(true)})
			},
			answer: "migrations_get.answer", refusal: gone,
		},
	}
}

func everyOrganizationParameter() checkpoints.OrganizationPolicyQuery {
	return checkpoints.OrganizationPolicyQuery{OperationType: checkpoints.PolicyOperationBackup, Limit: 7, Offset: 3}
}
